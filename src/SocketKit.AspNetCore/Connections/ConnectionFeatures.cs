using System.Collections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace SocketKit.AspNetCore.Connections;

/// <summary>
/// The features of one connection. Those that the connection is itself cost nothing; what others set, also in their place, lies in a list.
/// </summary>
internal sealed class ConnectionFeatures(object connection) : IFeatureCollection
{
    private static readonly Type[] Own =
    [
        typeof(IConnectionIdFeature), typeof(IConnectionItemsFeature), typeof(IConnectionTransportFeature), typeof(IConnectionLifetimeFeature),
        typeof(IConnectionEndPointFeature), typeof(IConnectionSocketFeature), typeof(IMemoryPoolFeature),
    ];

    private readonly List<KeyValuePair<Type, object?>> _set = new(8);

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            foreach (var (type, feature) in _set)
            {
                if (type == key)
                {
                    return feature;
                }
            }

            return Array.IndexOf(Own, key) >= 0 ? connection : null;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            Revision++;
            var entry = new KeyValuePair<Type, object?>(key, value);
            for (var i = 0; i < _set.Count; i++)
            {
                if (_set[i].Key == key)
                {
                    _set[i] = entry;
                    return;
                }
            }

            _set.Add(entry);
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        foreach (var type in Own)
        {
            if (!_set.Exists(entry => entry.Key == type))
            {
                yield return new KeyValuePair<Type, object>(type, connection);
            }
        }

        foreach (var (type, feature) in _set)
        {
            if (feature is not null)
            {
                yield return new KeyValuePair<Type, object>(type, feature);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
