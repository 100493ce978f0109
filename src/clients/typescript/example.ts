// Uses a Tally through the generated client: node example.js http://localhost:8080
import { randomUUID } from "node:crypto";
import {
  BulkIncrementToJSON,
  BulkResultFromJSON,
  Configuration,
  CounterFromJSON,
  CountersApi,
  ResponseError,
} from "./tally/index.js";
import type { BulkIncrement, BulkResult, Counter, ListedCounter, Middleware } from "./tally/index.js";
import { isTransient, jitterMs, repeatable, sleep, underKey } from "./retries.js";

const NAMESPACE = "typescript";
const CLICKS = "clicks on 50% of a/b, größer";
const COUNT = 1_000n;

// Values are strings of digits, and BigInt counts with them: JSON.parse rounds numbers above 2^53.
const int64AsString: Middleware = {
  pre: async ({ url, init }) => {
    const headers = new Headers(init.headers);
    headers.append("Prefer", "int64=string");
    return { url, init: { ...init, headers, signal: AbortSignal.timeout(30_000) } };
  },
};

const tally = process.argv[2]!;
const counters = new CountersApi(new Configuration({ basePath: tally, middleware: [int64AsString] }));

/** Gets or creates a counter. */
function create(name: string, initial: bigint): Promise<Counter> {
  return repeatable(() =>
    counters.getOrCreateCounter({ namespace: NAMESPACE, name, newCounter: { initial: String(initial) } }),
  );
}

/** Adds 1. The key is the id of the click; a key that is kept with the order or the message survives a restart. */
function click() {
  return underKey(randomUUID(), (idempotencyKey) =>
    counters.incrementCounter({ namespace: NAMESPACE, name: CLICKS, idempotencyKey, increment: { delta: "1" } }),
  );
}

/** Reads all pages of a list. */
async function list(namespace: string): Promise<ListedCounter[]> {
  const listed: ListedCounter[] = [];
  let cursor: string | undefined;
  do {
    const page = await repeatable(() => counters.listCounters({ namespace, limit: 100, cursor }));
    listed.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor);
  return listed;
}

/** Follows a counter until it has a value. A stream that broke off is opened again: it begins with the state. */
async function follow(name: string, value: bigint): Promise<Counter> {
  const path = `/v1/counters/${NAMESPACE}/${encodeURIComponent(name)}/events?int64=string`;
  while (true) {
    try {
      const response = await repeatable(() => send(path, { headers: { Accept: "text/event-stream" } }));
      for await (const line of lines(response)) {
        if (line.startsWith("data: ")) {
          const counter = CounterFromJSON(JSON.parse(line.slice("data: ".length)));
          if (BigInt(counter.value) >= value) {
            return counter;
          }
        }
      }
    } catch (broken) {
      if (!isTransient(broken)) {
        throw broken;
      }
      console.error(`The stream broke off: ${broken}`);
    }
    await sleep(jitterMs(0));
  }
}

/** Uploads increments as lines. A retry under the same key counts only the lines that were not counted. */
async function upload(key: string, increments: BulkIncrement[]): Promise<BulkResult[]> {
  const response = await send("/v1/increments", {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson", "Idempotency-Key": key, "Prefer": "int64=string" },
    body: increments.map((increment) => JSON.stringify(BulkIncrementToJSON(increment))).join("\n"),
  });
  const results: BulkResult[] = [];
  for await (const line of lines(response)) {
    const result = BulkResultFromJSON(JSON.parse(line));
    if (result.problem) {
      throw new ResponseError(new Response(line, { status: result.problem.status }), result.problem.detail);
    }
    results.push(result);
  }
  return results;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(tally + path, init);
  if (!response.ok) {
    throw new ResponseError(response, await response.clone().text());
  }
  return response;
}

async function* lines(response: Response): AsyncGenerator<string> {
  let rest = "";
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

console.log(`kept ${(await create("large", 9_007_199_254_740_993n)).value}`);

await create(CLICKS, 0n);
const followed = follow(CLICKS, COUNT);
let started = 0n;
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (started < COUNT) {
      started++;
      await click();
    }
  }),
);
console.log(`counted to ${(await create(CLICKS, 0n)).value}`);
console.log(`followed to ${(await followed).value}`);

const items = Array.from({ length: 250 }, (_, index) => index + 1).map((n) => ({
  namespace: `${NAMESPACE}-items`,
  name: `item-${n}`,
  delta: String(n),
}));
const results = await underKey(`${NAMESPACE}-upload-1`, (key) => upload(key, items));
console.log(`uploaded ${results.length}`);
const listed = await list(`${NAMESPACE}-items`);
const sum = listed.reduce((total, counter) => total + BigInt(counter.value), 0n);
console.log(`listed ${listed.length} with a sum of ${sum}`);
