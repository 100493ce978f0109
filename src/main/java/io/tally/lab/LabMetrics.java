package io.tally.lab;

import io.tally.lab.LabRun.Result;

/** What the lab tells whoever measures it. */
public interface LabMetrics {

    /** A run was done on this instance. */
    void measured(Experiment experiment, Result result);
}
