/* Simulates a cloud disk: every fsync and fdatasync takes SLOW_FSYNC_MICROS longer. Load it with LD_PRELOAD. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void wait_as_told(void) {
  const char *micros = getenv("SLOW_FSYNC_MICROS");
  long told = micros == NULL ? 0 : atol(micros);
  struct timespec left = {told / 1000000, told % 1000000 * 1000};
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
}

static int after_the_wait(const char *name, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  wait_as_told();
  return real(file);
}

int fsync(int file) { return after_the_wait("fsync", file); }

int fdatasync(int file) { return after_the_wait("fdatasync", file); }
