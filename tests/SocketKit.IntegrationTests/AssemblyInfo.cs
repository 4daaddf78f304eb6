// Times, descriptors and the counters of the process are measured, so one test runs at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
