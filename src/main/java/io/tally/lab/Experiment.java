package io.tally.lab;

/**
 * The parameters of a run of the lab.
 *
 * @param strategy the way of each increment
 * @param isolation the isolation level of the sessions
 * @param workers the number of concurrent workers; each makes one increment at a time
 * @param increments the total number of increments
 * @param counters the number of counters; each increment picks one at random
 */
public record Experiment(Strategy strategy, Isolation isolation, int workers, long increments, int counters) {}
