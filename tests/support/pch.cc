// Anchors the precompiled header that all test programs share; it has no code of its own.
