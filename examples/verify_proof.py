"""Checks a proof that `mfh proof` has saved, with nothing but Python: no hub, no store, no packages.

    python3 verify_proof.py contract.proof 'mfh+1a2b3c4d+AVu…'

Prints what the proof proves and ends with 0, or says what is wrong with it and ends with 65.
"""

import base64
import hashlib
import json
import struct
import sys

EVENTS = {1: "CREATE", 2: "UPDATE", 3: "DELETE", 4: "EXPIRE", 5: "VOID", 64: "EPOCH", 65: "GAP", 66: "REDACTION"}
HEADER = struct.Struct("<8s16sQQQqqqBBBBHHHH")


class BadProof(Exception):
    pass


def blake2b(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def decoded(text):
    return base64.b64decode(text, validate=True)


# Ed25519 as RFC 8032, section 5.1.7, has it. Slow, and short.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def x_of(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise BadProof("the signature is not one")
    return P - x if x & 1 != sign else x


def point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = x_of(y, sign)
    return x, y, 1, x * y % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, p):
    q = (0, 1, 1, 0)
    while number:
        if number & 1:
            q = add(q, p)
        p, number = add(p, p), number >> 1
    return q


def is_signed(message, signature, key):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    hashed = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    base_y = 4 * pow(5, -1, P) % P
    base_x = x_of(base_y, 0)
    left = times(s, (base_x, base_y, 1, base_x * base_y % P))
    right = add(point(r), times(hashed, point(key)))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def head_of(note, public_key):
    """The size and root that a signed note tells of: https://c2sp.org/signed-note."""
    name, key_id, key = public_key.strip().split("+", 2)
    key = decoded(key)
    if key[:1] != b"\x01" or hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id:
        raise BadProof("the public key is not one")
    text, signature = note.split("\n\n", 1)
    dash, signer, signature = signature.rstrip("\n").split(" ")
    signature = decoded(signature)
    if dash != "\u2014" or signer != name or signature[:4].hex() != key_id:
        raise BadProof(f"the head is not signed by {name}")
    text += "\n"
    if not is_signed(text.encode(), signature[4:], key[1:]):
        raise BadProof("the signature of the head is wrong")
    lines = text.split("\n")
    return int(lines[1]), decoded(lines[2])


def root_of(leaf_hash, leaf, size, path):
    """The root that a path leads to: RFC 9162, section 2.1.3.2."""
    if not 0 <= leaf < size:
        raise BadProof("the leaf is not in the tree")
    last, result = size - 1, leaf_hash
    for step in path:
        if last == 0:
            raise BadProof("the path is too long")
        if leaf & 1 or leaf == last:
            result = blake2b(b"\x01" + step + result)
            while not leaf & 1 and leaf:
                leaf, last = leaf >> 1, last >> 1
        else:
            result = blake2b(b"\x01" + result + step)
        leaf, last = leaf >> 1, last >> 1
    if last != 0:
        raise BadProof("the path is too short")
    return result


def verify(proof, public_key):
    """What the proof proves, as a dictionary; BadProof when it proves nothing."""
    if proof["version"] != 1:
        raise BadProof("this proof is of a later version")
    size, root = head_of(proof["head"], public_key)
    header, commitment = decoded(proof["header"]), decoded(proof["commitment"])
    payload = None
    if "payload" in proof:
        payload, salt = decoded(proof["payload"]), decoded(proof["salt"])
        if blake2b(b"\x02" + salt + struct.pack("<I", len(payload)) + payload) != commitment:
            raise BadProof("the item is not the one that was written")
    path = [decoded(step) for step in proof["path"]]
    if root_of(blake2b(b"\x00" + header + commitment), proof["leaf"], size, path) != root:
        raise BadProof("the record is not in the log of this head")
    fields = HEADER.unpack_from(header)
    names, start = [], HEADER.size
    for length in fields[12:]:
        names.append(header[start : start + length].decode())
        start += length
    if fields[0] != b"MFHLEAF1" or start != len(header):
        raise BadProof("the header is not one")
    return {
        "event": EVENTS[fields[8]], "key": names[0], "agent": names[1], "revision": fields[3], "epoch": fields[2],
        "time": fields[5], "item": payload.decode() if payload else None, "records": size,
    }


def main(arguments):
    if len(arguments) != 2:
        print("usage: verify_proof.py PROOF PUBLIC-KEY", file=sys.stderr)
        return 64
    try:
        with open(arguments[0], encoding="utf-8") as file:
            proven = verify(json.load(file), arguments[1])
    except BadProof as problem:
        print(f"verify_proof.py: {arguments[0]}: {problem}", file=sys.stderr)
        return 65
    except (ValueError, KeyError, TypeError, IndexError, struct.error) as problem:
        print(f"verify_proof.py: {arguments[0]}: this is no proof: {problem}", file=sys.stderr)
        return 65
    print(json.dumps(proven))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
