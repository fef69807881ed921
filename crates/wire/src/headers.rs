//! Headers without a platform: their names, a few values, and a plan for them. A plan names what is
//! dropped and what is set; everything else passes unchanged.

use std::borrow::Cow;
use std::rc::Rc;

/// The names of all headers of a message, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Rc<List>);

#[derive(Debug, PartialEq, Eq)]
struct List {
    text: String,
    /// Where each name ends in the text; the next one begins there.
    ends: Vec<usize>,
}

impl Names {
    /// Takes names that stand one a line.
    pub fn from_lines(lines: &str) -> Self {
        lines.split('\n').filter(|name| !name.is_empty()).collect()
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut begin = 0;
        self.0.ends.iter().filter_map(move |end| {
            let name = self.0.text.get(begin..*end);
            begin = *end;
            name
        })
    }

    /// Whether there is a header of this name, in lower case.
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|own| own == name)
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut list = List {
            text: String::with_capacity(256),
            ends: Vec::with_capacity(24),
        };
        for name in names {
            list.text.push_str(name);
            list.ends.push(list.text.len());
        }
        Self(Rc::new(list))
    }
}

/// The headers of a message, wherever they are kept.
pub trait Headers {
    /// Their names.
    fn names(&self) -> Names;

    /// The value of a header that is there, several joined by `, `. The name is in lower case.
    fn value(&self, name: &str) -> Option<String>;
}

/// What is done with the headers of a message: names are dropped first, then headers are set, then
/// some are added to those of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Names of headers that came and do not go on.
    pub drop: Vec<String>,
    /// Headers to set, in place of what came under their names.
    pub set: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// Headers to add to those of the same name.
    pub append: Vec<(String, String)>,
}

impl Plan {
    /// Plans to set a header, in place of what came under its name.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) {
        self.set.push((name.into(), value.into()));
    }

    /// Plans to drop a header, where there is one.
    pub fn drop(&mut self, names: &Names, name: &str) {
        if names.has(name) && !self.drop.iter().any(|gone| gone == name) {
            self.drop.push(name.to_owned());
        }
    }

    /// Applies the plan to headers that are a list: names in lower case.
    pub fn applied(&self, came: &[(String, String)]) -> Vec<(String, String)> {
        let set = |name: &str| self.set.iter().any(|(set, _)| set == name);
        let mut left: Vec<_> = came
            .iter()
            .filter(|(name, _)| !self.drop.contains(name) && !set(name))
            .cloned()
            .collect();
        // Of a name that is set twice, the last value stands.
        for (at, (name, value)) in self.set.iter().enumerate() {
            let again = self.set.iter().skip(at + 1).any(|(later, _)| later == name);
            if !again {
                left.push((name.to_string(), value.to_string()));
            }
        }
        left.extend(self.append.iter().cloned());
        left
    }
}

impl Headers for Vec<(String, String)> {
    fn names(&self) -> Names {
        self.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn value(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .iter()
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<(String, String)> {
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        };
        text.lines().map(pair).collect()
    }

    #[test]
    fn a_plan_drops_then_sets_then_appends_and_the_rest_passes() {
        let came = list("accept: a\nx-gone: 1\nx-kept: 2\nx-kept: 3\nserver-timing: db");
        let mut plan = Plan::default();
        plan.drop(&came.names(), "x-gone");
        plan.drop(&came.names(), "x-absent");
        plan.set("accept", "b");
        plan.set("accept", "c");
        plan.append
            .push(("server-timing".to_owned(), "gate".to_owned()));
        assert_eq!(plan.drop, ["x-gone"]);
        let left = plan.applied(&came);
        let told = list("x-kept: 2\nx-kept: 3\nserver-timing: db\naccept: c\nserver-timing: gate");
        assert_eq!(left, told);
        assert_eq!(left.value("x-kept").as_deref(), Some("2, 3"));
        assert_eq!(left.value("x-gone"), None);
    }
}
