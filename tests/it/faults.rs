//! What goes wrong on the way, at every call: running again heals it.
