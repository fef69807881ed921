//! Tables for people: columns of a list, fitted to the terminal, or whole where stdout is none.

use chrono::{DateTime, Utc};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::terminal::{Screen, Tone};
use crate::text::{self, member, near};

mod fit;

/// Between two columns.
const GAP: usize = 2;

/// How cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal: moments from now, names before ids.
    Near,
    /// For people, whole: moments in UTC.
    Whole,
    /// For programs: as the gateway has it.
    Raw,
}

/// What cells are written with.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// How.
    pub form: Form,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// Where to.
    pub screen: Screen,
}

impl Look {
    /// A moment of an object; empty where there is none.
    pub fn moment(&self, object: &Value, name: &str) -> String {
        match self.form {
            Form::Raw => member(object, name),
            Form::Whole => text::moment(object, name),
            Form::Near => match self.instant(object, name) {
                Some(moment) => near(moment, self.now),
                None => member(object, name),
            },
        }
    }

    /// The same as a moment.
    pub fn instant(&self, object: &Value, name: &str) -> Option<DateTime<Utc>> {
        let moment = DateTime::parse_from_rfc3339(object.get(name)?.as_str()?);
        moment.ok().map(|moment| moment.with_timezone(&Utc))
    }

    /// What stands in for something absent, for people only.
    pub fn absent(&self, word: &str, tone: Tone) -> Cell {
        match self.form {
            Form::Raw => Cell::default(),
            Form::Near | Form::Whole => Cell {
                text: word.to_owned(),
                tone,
            },
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its text, which drives no terminal.
    pub text: String,
    /// Its colour.
    pub tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        let text = text.into();
        Self { text, tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// One column of a list.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in `--columns` and in CSV.
    pub name: &'static str,
    /// Where there is no room, the column with the highest rank goes first; 0 stays.
    pub rank: u8,
    /// How narrow it may become, its texts cut; 0 for not at all.
    pub least: usize,
    /// What stands in it, for one object of the gateway.
    pub cell: fn(&Value, &Look) -> Cell,
}

impl Column {
    /// A column of this name, rank, least width and cell.
    pub const fn new(
        name: &'static str,
        rank: u8,
        least: usize,
        cell: fn(&Value, &Look) -> Cell,
    ) -> Self {
        Self {
            name,
            rank,
            least,
            cell,
        }
    }

    fn heading(&self) -> String {
        self.name.replace('_', " ").to_uppercase()
    }
}

/// A table as text, and the columns that had no room.
pub struct Drawn {
    /// The lines.
    pub text: String,
    /// Names of the columns that are left out.
    pub left_out: Vec<&'static str>,
}

/// Draws rows under headings. Where `all` is true, no column is left out.
pub fn draw(columns: &[Column], rows: &[Value], look: &Look, all: bool) -> Drawn {
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let cells = columns.iter().map(|column| (column.cell)(row, look));
            cells.collect()
        })
        .collect();
    let headings: Vec<String> = columns.iter().map(Column::heading).collect();
    let natural: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(at, heading)| {
            let texts = cells.iter().filter_map(|row| row.get(at));
            let widest = texts.map(|cell| cell.text.width()).max();
            widest.unwrap_or(0).max(heading.width())
        })
        .collect();
    let widths = match look.screen.width {
        Some(width) => fit::widths(columns, &natural, width, all),
        None => natural.into_iter().map(Some).collect(),
    };
    let mut drawn = Drawn {
        text: String::new(),
        left_out: Vec::new(),
    };
    let heading: Vec<Cell> = headings
        .into_iter()
        .map(|heading| Cell::new(heading, Tone::Strong))
        .collect();
    for row in [&heading].into_iter().chain(&cells) {
        drawn.text.push_str(&line(row, &widths, look.screen));
    }
    let left_out = columns.iter().zip(&widths);
    let left_out = left_out.filter(|(_, width)| width.is_none());
    drawn.left_out = left_out.map(|(column, _)| column.name).collect();
    drawn
}

fn line(row: &[Cell], widths: &[Option<usize>], screen: Screen) -> String {
    let mut line = String::new();
    // Blanks are owed until something stands behind them, so that no line ends with one.
    let mut owed = 0;
    for (cell, width) in row.iter().zip(widths) {
        let Some(width) = *width else { continue };
        let text = cut(&cell.text, width);
        if !text.is_empty() {
            line.extend(std::iter::repeat_n(' ', owed));
            owed = 0;
            line.push_str(&cell.tone.paint(&text, screen));
        }
        owed += width.saturating_sub(text.width()) + GAP;
    }
    line.push('\n');
    line
}

/// A text of at most so many columns, with `…` where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut short = String::new();
    for character in text.chars() {
        let own = character.width().unwrap_or(0);
        if own > room {
            break;
        }
        room -= own;
        short.push(character);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
