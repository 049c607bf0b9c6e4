"""A client of a hub over gRPC, with stubs that are generated from the project's own .proto files."""

from __future__ import annotations

import atexit
import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from grpc_tools import protoc
from hub_server import ROOT

SECONDS = 20
_stubs = tempfile.mkdtemp(prefix="mfh-stubs-")
atexit.register(shutil.rmtree, _stubs, True)
if protoc.main([
        "protoc", f"-I{ROOT / 'Protos'}", f"--python_out={_stubs}", f"--grpc_python_out={_stubs}",
        "memory_fusion.proto", "grpc/health/v1/health.proto"]) != 0:
    raise RuntimeError("the stubs could not be generated from Protos")
sys.path.insert(0, _stubs)
pb = importlib.import_module("memory_fusion_pb2")
_rpc = importlib.import_module("memory_fusion_pb2_grpc")

# The standard service is in a package named grpc, as the library is: its messages are reached by their descriptors.
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

_pool = descriptor_pool.DescriptorPool()
_set = tempfile.mktemp(dir=_stubs)
protoc.main(["protoc", f"-I{ROOT / 'Protos'}", f"--descriptor_set_out={_set}", "grpc/health/v1/health.proto"])
with open(_set, "rb") as _file:
    for _description in descriptor_pb2.FileDescriptorSet.FromString(_file.read()).file:
        _pool.Add(_description)
HealthRequest = message_factory.GetMessageClass(_pool.FindMessageTypeByName("grpc.health.v1.HealthCheckRequest"))
HealthResponse = message_factory.GetMessageClass(_pool.FindMessageTypeByName("grpc.health.v1.HealthCheckResponse"))
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3


class Calls:
    """`calls.put(key=…)` is the method Put with a PutRequest of these fields."""

    def __init__(
        self, address: str, agent: str = "tester", key: str | None = None, *options: tuple[str, Any],
        credentials: grpc.ChannelCredentials | None = None,
    ):
        options = ("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20), *options
        self.channel = (
            grpc.secure_channel(address, credentials, options) if credentials else grpc.insecure_channel(address, options))
        self.stub = _rpc.MemoryFusionServiceStub(self.channel)
        self.agent = agent
        self.metadata = [("authorization", f"Bearer {key}")] if key else None

    def __enter__(self) -> Calls:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def _call(self, name: str, fields: dict, timeout: float = SECONDS) -> Any:
        request = getattr(pb, name + "Request")(**fields)
        if "agent_id" in request.DESCRIPTOR.fields_by_name and not request.agent_id:
            request.agent_id = self.agent
        return getattr(self.stub, name)(request, timeout=timeout, metadata=self.metadata)

    def get(self, **fields: Any) -> Any:
        return self._call("Get", fields)

    def put(self, timeout: float = SECONDS, **fields: Any) -> Any:
        return self._call("Put", fields, timeout)

    def delete(self, **fields: Any) -> Any:
        return self._call("Delete", fields)

    def batch_get(self, *keys: str, **fields: Any) -> Any:
        return self._call("BatchGet", {"keys": keys, **fields})

    def exists(self, **fields: Any) -> Any:
        return self._call("Exists", fields)

    def list_keys(self, **fields: Any) -> Any:
        return self._call("ListKeys", fields)

    def health(self) -> Any:
        return self.stub.GetHealth(pb.HealthRequest(), timeout=SECONDS, metadata=self.metadata)

    def batch(self, *operations: Any, **fields: Any) -> Any:
        return self._call("Batch", {"operations": operations, **fields})

    def history(self, **fields: Any) -> Any:
        return self._call("History", fields)

    def checksum(self) -> Any:
        return self._call("Checksum", {})

    def watch(self, timeout: float = SECONDS, **fields: Any) -> Any:
        return self._call("Watch", fields, timeout)

    def raw(self, method: str, message: bytes, timeout: float = SECONDS) -> bytes:
        return self.channel.unary_unary(method)(message, timeout=timeout)

    # grpc.health.v1

    def check(self, service: str = "") -> int:
        call = self.channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthRequest.SerializeToString, HealthResponse.FromString)
        return call(HealthRequest(service=service), timeout=SECONDS).status

    def watch_health(self, service: str = "", timeout: float = SECONDS) -> Any:
        call = self.channel.unary_stream(
            "/grpc.health.v1.Health/Watch", HealthRequest.SerializeToString, HealthResponse.FromString)
        return call(HealthRequest(service=service), timeout=timeout)


def put_of(key: str, **fields: Any) -> Any:
    return pb.BatchOperation(put=pb.BatchPut(key=key, **fields))


def delete_of(key: str, **fields: Any) -> Any:
    return pb.BatchOperation(delete=pb.BatchDelete(key=key, **fields))


def text(content: str, **fields: Any) -> Any:
    return pb.MemoryItem(text_content=content, **fields)


def trailers(error: grpc.RpcError) -> dict[str, str]:
    return dict(error.trailing_metadata() or ())


def refused(call: Callable[[], Any], status: grpc.StatusCode, code: str | None) -> grpc.RpcError:
    """The error of a call that is refused with this status, and this code of the hub's in the trailer."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    assert (error.code(), trailers(error).get("mfh-code")) == (status, code), error
    assert error.details() and "\n" not in error.details()
    return error
