//! Which columns a terminal has room for, and how wide each may be: columns go by their rank before
//! any line wraps, and names are cut before a more important column goes.

use super::{Column, GAP};

/// The width of each column, or none for one that has no room.
pub fn widths(columns: &[Column], natural: &[usize], room: usize, all: bool) -> Vec<Option<usize>> {
    let least = |column: &Column, natural: usize| match column.least {
        0 => natural,
        least => natural.min(least),
    };
    let mut kept: Vec<Option<usize>> = columns
        .iter()
        .zip(natural)
        .map(|(column, natural)| Some(least(column, *natural)))
        .collect();
    while !all && needed(&kept) > room {
        let present = columns.iter().zip(&kept).enumerate();
        let present = present.filter(|(_, (_, width))| width.is_some());
        let last = present
            .map(|(at, (column, _))| (column.rank, at))
            .filter(|(rank, _)| *rank > 0)
            .max();
        let Some((_, last)) = last else { break };
        if let Some(width) = kept.get_mut(last) {
            *width = None;
        }
    }
    // What is left over goes to those that were cut, the most important first.
    let mut spare = room.saturating_sub(needed(&kept));
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by_key(|at| columns.get(*at).map(|column| column.rank));
    for at in order {
        if let (Some(Some(width)), Some(natural)) = (kept.get_mut(at), natural.get(at)) {
            let more = natural.saturating_sub(*width).min(spare);
            *width += more;
            spare -= more;
        }
    }
    kept
}

fn needed(widths: &[Option<usize>]) -> usize {
    let widths = widths.iter().flatten();
    let (count, sum) = widths.fold((0, 0), |(count, sum), width| (count + 1, sum + width));
    sum + GAP * usize::saturating_sub(count, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(rank: u8, least: usize) -> Column {
        let cell = |_: &serde_json::Value, _: &crate::table::Look| crate::table::Cell::default();
        Column {
            name: "x",
            rank,
            least,
            cell,
        }
    }

    #[test]
    fn columns_go_by_rank_and_names_are_cut_before() {
        let columns = [column(0, 8), column(2, 6), column(1, 0), column(9, 0)];
        let natural = [20, 30, 10, 36];
        for (room, expected) in [
            (200, [Some(20), Some(30), Some(10), Some(36)]),
            // The id goes before a name is cut below its least.
            (66, [Some(8), Some(6), Some(10), Some(36)]),
            (65, [Some(20), Some(30), Some(10), None]),
            (40, [Some(20), Some(6), Some(10), None]),
            (30, [Some(10), Some(6), Some(10), None]),
            (27, [Some(15), None, Some(10), None]),
            (19, [Some(19), None, None, None]),
            // No narrower than it may be: the terminal is too small.
            (5, [Some(8), None, None, None]),
        ] {
            assert_eq!(widths(&columns, &natural, room, false), expected, "{room}");
        }
        // Columns that were asked for stay.
        let kept = widths(&columns, &natural, 30, true);
        assert_eq!(kept, [Some(8), Some(6), Some(10), Some(36)]);
    }
}
