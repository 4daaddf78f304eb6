using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace SocketKit.Diagnostics;

/// <summary>
/// The one guard around a source of spans: a listener may throw when the source is made, when a span is sampled, starts or stops, and
/// whoever has the span does not notice: neither is another span left behind as the current one.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A source lives as long as the process.")]
internal sealed class SafeActivities
{
    private readonly ActivitySource _source;

    public SafeActivities(string name, string? version)
    {
        try
        {
            _source = new ActivitySource(name, version);
        }
#pragma warning disable CA1031 // Listeners are asked while a source is made. It exists all the same.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountActivity();
            if (Find(name, version) is not { } made)
            {
                throw;
            }

            _source = made;
        }
    }

    public bool HasListeners => _source.HasListeners();

    /// <summary>Starts a span, as a child of the current one if no parent is given. Null: nobody wants it.</summary>
    public Activity? Start(string name, ActivityKind kind, ActivityContext parent = default)
    {
        Activity? activity = null;
        try
        {
            activity = _source.CreateActivity(name, kind, parent);
            activity?.Start();
        }
#pragma warning disable CA1031 // The guard itself. One that has started goes on: other listeners know of it.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountActivity();
        }

        return activity;
    }

    /// <summary>Ends a span.</summary>
    public static void Stop(Activity activity)
    {
        try
        {
            activity.Stop();
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountActivity();
            if (Activity.Current == activity)
            {
                MakeCurrent(activity.Parent);
            }
        }
    }

    /// <summary>Makes a span the current one. Who listens to that may throw as well.</summary>
    public static void MakeCurrent(Activity? activity)
    {
        try
        {
            Activity.Current = activity;
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            ObserverFailures.CountActivity();
        }
    }

    private static ActivitySource? Find(string name, string? version)
    {
        ActivitySource? found = null;
        using var finder = new ActivityListener
        {
            ShouldListenTo = source =>
            {
                found ??= source.Name == name && source.Version == (version ?? "") ? source : null;
                return false;
            },
        };
        ActivitySource.AddActivityListener(finder);
        return found;
    }
}
