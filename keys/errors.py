"""The key store's errors: one small tree; a message names the file or key and never carries a secret."""


class KeyStoreError(Exception):
    """Root of everything the key store raises on purpose."""


class KeyNotFound(KeyStoreError):
    """No key of this name."""


class KeyExists(KeyStoreError):
    """A key of this name is there already; keys are never overwritten."""


class KeyUsageRefused(KeyStoreError):
    """The key was not made for this use, or is no longer in a state that allows it."""


class UnsafePermissions(KeyStoreError):
    """A file or directory that others than its owner can reach, or that is not what it should be."""


class SealBroken(KeyStoreError):
    """A key file that the master key does not open: another master key, or changed bytes."""
