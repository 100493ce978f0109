package io.tally.lab;

/**
 * What is to be tried.
 *
 * @param strategy how each increment is done
 * @param isolation the isolation level of the sessions that make them
 * @param workers how many make them at once, each one after the other
 * @param increments how many are done in total
 * @param counters on how many counters, each time one by chance
 */
public record Experiment(Strategy strategy, Isolation isolation, int workers, long increments, int counters) {}
