"""A transparency log: storage, tree, sequencer. Knows nothing of certificates; ``tlog.ct`` does."""
