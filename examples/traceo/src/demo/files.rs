//! The files that are imported.

use std::fmt::Write as _;

const CITIES: [&str; 8] = [
    "Kyiv", "Lviv", "Odesa", "Lisbon", "Porto", "Oslo", "Bergen", "Turin",
];

/// Returns a good file.
pub(super) fn good(rows: usize) -> String {
    let mut csv = String::from("station,day,temperature,sunny\n");
    for (row, city) in (0..rows).zip(CITIES.iter().cycle()) {
        let (month, day, degrees) = (row % 12 + 1, row % 28 + 1, row % 35);
        // Writing to a string cannot fail.
        let _ = writeln!(
            csv,
            "{city},2025-{month:02}-{day:02},{degrees}.5,{}",
            row % 2 == 0
        );
    }
    csv
}

/// Returns a file every fifth row of which is broken.
pub(super) fn broken(rows: usize) -> String {
    let mut csv = String::new();
    for (number, line) in good(rows).lines().enumerate() {
        csv.push_str(if number % 5 == 4 {
            "a row with one column"
        } else {
            line
        });
        csv.push('\n');
    }
    csv
}

/// Returns in how many rows [`broken`] breaks a file.
pub(super) const fn broken_rows(rows: usize) -> usize {
    (rows + 1) / 5
}

#[cfg(test)]
mod tests {
    use super::{broken, broken_rows, good};

    #[test]
    fn files_have_the_rows_that_they_are_said_to_have() {
        for rows in [0, 1, 4, 5, 9, 100] {
            assert_eq!(good(rows).lines().count(), rows + 1);
            let broken = broken(rows);
            let hit = broken.lines().filter(|line| !line.contains(',')).count();
            assert_eq!(hit, broken_rows(rows), "{rows}");
        }
    }
}
