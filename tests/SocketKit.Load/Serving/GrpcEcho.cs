using Grpc.Core;

namespace SocketKit.Load.Serving;

/// <summary>A gRPC service of one unary method whose messages are bytes: what comes goes back. Bound by hand, so that no code is
/// generated.</summary>
[BindServiceMethod(typeof(GrpcEcho), nameof(Bind))]
internal class GrpcEcho
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);
    private static readonly Method<byte[], byte[]> Method = new(MethodType.Unary, "load.Echo", nameof(Say), Bytes, Bytes);

    public static string Path => Method.FullName;

    /// <summary>Called by the framework.</summary>
    public static void Bind(ServiceBinderBase binder, GrpcEcho? service) => binder.AddMethod(Method, service is null ? null : service.Say);

    /// <summary>Virtual: only such methods are found.</summary>
    public virtual Task<byte[]> Say(byte[] request, ServerCallContext context) => Task.FromResult(request);
}
