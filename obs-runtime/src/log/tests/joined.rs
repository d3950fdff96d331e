//! Whose ids stand on a line.
