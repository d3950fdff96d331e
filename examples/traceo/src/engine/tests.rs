//! Jobs from their acceptance to their end, on a real database in a temporary directory.
