"""Tree heads of a certificate log: one signature of RFC 6962, published as a C2SP checkpoint."""

from tlog.errors import DamagedTree, TlogError
from tlog.head import Head
from verifier.algorithms import PublicKey, Signer
from verifier.errors import VerifierError
from verifier.transparency.checkpoint import tree_head_to_checkpoint, verify_checkpoint
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head


class CtHeads:
    """The engine's HeadSigner for certificates: signs with the log's key, opens and verifies."""

    def __init__(self, origin: str, key: PublicKey, signer: Signer | None = None) -> None:
        self.origin = origin
        self._key = key
        self._signer = signer

    def sign(self, size: int, root: bytes, timestamp: int) -> Head:
        if self._signer is None:
            raise TlogError(f"{self.origin} is open for reading only")
        head = sign_tree_head(size, timestamp, root, self._signer)
        checkpoint = tree_head_to_checkpoint(head, self.origin, self._key.key_id)
        return Head(size, root, timestamp, checkpoint.encode())

    def open(self, text: bytes) -> Head:
        head = self.signed_tree_head(text)
        return Head(head.tree_size, head.root_hash, head.timestamp, text)

    def signed_tree_head(self, text: bytes) -> SignedTreeHead:
        """Return what get-sth shows of a checkpoint of this log, verified; raises DamagedTree."""
        try:
            return verify_checkpoint(text, self.origin, self._key)
        except VerifierError as error:
            raise DamagedTree(
                f"the checkpoint of {self.origin} is damaged or not its own: {error}"
            ) from error
