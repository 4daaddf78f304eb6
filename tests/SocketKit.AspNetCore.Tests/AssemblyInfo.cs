// Times are measured, so one test runs at a time.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
