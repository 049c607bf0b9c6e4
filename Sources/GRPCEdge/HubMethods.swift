/// The methods of `memory_fusion.MemoryFusionService`. Protos/memory_fusion.proto.
internal import GRPCCore
internal import HubProtos
internal import Server
internal import SwiftProtobuf

typealias Router = RPCRouter<BoundedTransport>

/// Registers methods of one service.
struct MethodTable {
  let service: String
  let replyBytesMax: Int

  func register<Input: SwiftProtobuf.Message, Output: SwiftProtobuf.Message>(
    _ name: String, in router: inout Router, type: MethodDescriptor.RPCType,
    _ answer: @escaping @Sendable (StreamingServerRequest<Input>) async throws -> StreamingServerResponse<Output>
  ) {
    router.registerHandler(
      forMethod: MethodDescriptor(fullyQualifiedService: service, method: name, type: type),
      deserializer: ProtoReader<Input>(), serializer: ProtoWriter<Output>(bytesMax: replyBytesMax)
    ) { request, _ in try await answer(request) }
  }

  func unary<Input: SwiftProtobuf.Message, Output: SwiftProtobuf.Message>(
    _ name: String, in router: inout Router, _ answer: @escaping @Sendable (ServerRequest<Input>) async throws -> Output
  ) {
    register(name, in: &router, type: .unary) { request in
      let response = ServerResponse(message: try await answer(try await ServerRequest(stream: request)))
      return StreamingServerResponse(single: response)
    }
  }
}

struct HubMethods: Sendable {
  static let service = "memory_fusion.MemoryFusionService"

  let caller: HubCaller
  let replyBytesMax: Int

  func register(in router: inout Router) {
    add("Get", in: &router) { (request: MemoryFusion_GetRequest) in
      request.key
    } response: {
      $0 as MemoryFusion_GetResponse
    }
    add("Put", in: &router) { (request: MemoryFusion_PutRequest) in
      request.key
    } response: {
      $0 as MemoryFusion_PutResponse
    }
    add("Delete", in: &router) { (request: MemoryFusion_DeleteRequest) in
      request.key
    } response: {
      $0 as MemoryFusion_DeleteResponse
    }
    add("BatchGet", in: &router, isLarge: true) { (_: MemoryFusion_BatchGetRequest) in
      ""
    } response: {
      $0 as MemoryFusion_BatchGetResponse
    }
    add("Exists", in: &router) { (request: MemoryFusion_ExistsRequest) in
      request.key
    } response: {
      $0 as MemoryFusion_ExistsResponse
    }
    add("ListKeys", in: &router) { (_: MemoryFusion_ListKeysRequest) in
      ""
    } response: {
      $0 as MemoryFusion_ListKeysResponse
    }
    add("GetHealth", in: &router) { (_: MemoryFusion_HealthRequest) in
      ""
    } response: {
      $0 as MemoryFusion_HealthResponse
    }
    add("Batch", in: &router) { (_: MemoryFusion_BatchRequest) in
      ""
    } response: {
      $0 as MemoryFusion_BatchResponse
    }
    add("History", in: &router, isLarge: true) { (request: MemoryFusion_HistoryRequest) in
      request.key
    } response: {
      $0 as MemoryFusion_HistoryResponse
    }
    add("Checksum", in: &router) { (_: MemoryFusion_ChecksumRequest) in
      ""
    } response: {
      $0 as MemoryFusion_ChecksumResponse
    }
    let table = MethodTable(service: HubMethods.service, replyBytesMax: replyBytesMax)
    table.register("Watch", in: &router, type: .serverStreaming) { [self] request in
      let request = try await ServerRequest<MemoryFusion_WatchRequest>(stream: request)
      return try await FeedStream(caller: caller, request).response()
    }
  }

  /// A method that is one action.
  ///
  /// - Parameters:
  ///   - isLarge: its reply may take all that a reply can.
  ///   - key: the key that a request names.
  ///   - response: nothing but the type of the response.
  private func add<Input: SwiftProtobuf.Message & HubRequest, Output: SwiftProtobuf.Message & HubResponse>(
    _ name: String, in router: inout Router, isLarge: Bool = false, key: @escaping @Sendable (Input) -> String,
    response: (Output) -> Output
  ) {
    let table = MethodTable(service: HubMethods.service, replyBytesMax: replyBytesMax)
    let expected = isLarge ? replyBytesMax : 0
    table.unary(name, in: &router) { [caller] (request: ServerRequest<Input>) -> Output in
      let text = try request.message.request()
      let (reply, result) = try await caller.ask(
        text, from: Caller(request.metadata), expecting: expected, deadline: Deadline(request.metadata))
      return Output(reply, result, key: key(request.message))
    }
  }
}
