namespace SocketKit.PassThrough;

/// <summary>Changes nothing. Whatever works without it must work with it.</summary>
/// <param name="inner">The transport that does the work.</param>
public sealed class PassThroughTransport(Transport inner) : DelegatingTransport(inner);
