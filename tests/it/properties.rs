//! Laws of the engine, on random graphs and a strict fake of an account.
