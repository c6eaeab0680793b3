//! Patterns of topics, as members of groups of KIP-848 subscribe to them: the syntax is RE2's, as Kafka's RE2/J has it.
//!
//! They are run by the crate `regex`, whose matching takes linear time too, but whose syntax is another one: it has classes
//! within classes, `a**`, `(?x)`, `\u0041` and more that RE2/J refuses or understands otherwise, and it lacks `\Q..\E`. So
//! a pattern is read here, and written anew for that crate. Nobody can have it take long: what would become too large is refused.
//!
//! What is accepted was compared with a running Kafka 4.1; the tests have the list.

mod class;

use std::collections::BTreeSet;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled pattern may be.
const MOST_BYTES: usize = 1 << 20;
/// How often something may be repeated by count (RE2's `maxRepeat`).
const MOST_REPEATS: u32 = 1_000;

const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_COUNT: &str = "invalid repeat count";
const BAD_GROUP: &str = "invalid or unsupported Perl syntax";
const BAD_NAME: &str = "invalid named capture";
const BAD_RANGE: &str = "invalid character class range";

/// A pattern that topics can be held against.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn compile(pattern: &str) -> Result<Self, &'static str> {
        let translated = Translator::new(pattern).translate()?;
        let compiled = RegexBuilder::new(&format!(r"\A(?:{translated})\z")).size_limit(MOST_BYTES).build();
        compiled.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large",
            _ => BAD_RANGE,
        })
    }

    /// Whether all of a topic's name is like it.
    pub fn matches(&self, topic: &str) -> bool {
        self.0.is_match(topic.as_bytes())
    }
}

/// What stands before the place that has been reached: what a repetition would repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Something,
    Repetition,
}

/// Goes over a pattern once, and writes it anew.
struct Translator<'a> {
    rest: Chars<'a>,
    out: String,
    before: Before,
    /// Groups that are open.
    open: usize,
    names: BTreeSet<&'a str>,
}

impl<'a> Translator<'a> {
    fn new(pattern: &'a str) -> Self {
        let (rest, names) = (pattern.chars(), BTreeSet::new());
        Self { rest, out: String::with_capacity(pattern.len()), before: Before::Nothing, open: 0, names }
    }

    fn translate(mut self) -> Result<String, &'static str> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => self.close()?,
                '|' => self.put("|", Before::Nothing),
                '*' | '+' | '?' => self.repeat(c.encode_utf8(&mut [0; 4]))?,
                '{' => match self.counts()? {
                    Some(counts) => self.repeat(&counts)?,
                    None => self.literal('{'),
                },
                '^' | '$' | '.' => self.put(c.encode_utf8(&mut [0; 4]), Before::Something),
                other => self.literal(other),
            }
        }
        if self.open == 0 { Ok(self.out) } else { Err("missing closing )") }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Goes on if this comes next.
    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.as_str().strip_prefix(text);
        found.map(|rest| self.rest = rest.chars()).is_some()
    }

    /// What stands up to `end`, which is passed by; `None` where there is no such end.
    fn until(&mut self, end: &str) -> Option<&'a str> {
        let (found, rest) = self.rest.as_str().split_once(end)?;
        self.rest = rest.chars();
        Some(found)
    }

    fn put(&mut self, text: &str, before: Before) {
        self.out.push_str(text);
        self.before = before;
    }

    fn literal(&mut self, c: char) {
        self.put(&regex::escape(c.encode_utf8(&mut [0; 4])), Before::Something);
    }

    fn repeat(&mut self, operator: &str) -> Result<(), &'static str> {
        match self.before {
            Before::Nothing => Err("missing argument to repetition operator"),
            Before::Repetition => Err("invalid nested repetition operator"),
            Before::Something => {
                self.put(operator, Before::Repetition);
                if self.skip("?") {
                    self.out.push('?');
                }
                Ok(())
            }
        }
    }

    /// The counts after `{`; `None` where it is but a brace.
    fn counts(&mut self) -> Result<Option<String>, &'static str> {
        let Some((inside, _)) = self.rest.as_str().split_once('}') else { return Ok(None) };
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(least) || !is_number(most) && !most.is_empty() {
            return Ok(None);
        }
        let count = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= MOST_REPEATS).ok_or(BAD_COUNT);
        let least = count(least)?;
        if !most.is_empty() && count(most)? < least {
            return Err(BAD_COUNT);
        }
        self.until("}");
        Ok(Some(format!("{{{inside}}}")))
    }

    fn group(&mut self) -> Result<(), &'static str> {
        if !self.skip("?") {
            self.enter("(?:");
        } else if self.skip("P<") || self.skip("<") {
            let name = self.until(">").ok_or(BAD_NAME)?;
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_word) {
                return Err(BAD_NAME);
            }
            if !self.names.insert(name) {
                return Err("duplicate capture group name");
            }
            self.enter("(?:");
        } else {
            self.flags()?;
        }
        Ok(())
    }

    fn enter(&mut self, text: &str) {
        self.open += 1;
        self.put(text, Before::Nothing);
    }

    fn close(&mut self) -> Result<(), &'static str> {
        self.open = self.open.checked_sub(1).ok_or("unexpected )")?;
        self.put(")", Before::Something);
        Ok(())
    }

    /// `(?i)`, `(?is-m:`, `(?:`: a sign needs a flag behind it, and no flags at all need a group.
    fn flags(&mut self) -> Result<(), &'static str> {
        let (mut text, mut dangling, mut negative) = (String::from("(?"), true, false);
        loop {
            match self.rest.next() {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => {
                    text.push(flag);
                    dangling = false;
                }
                Some('-') if !negative => {
                    text.push('-');
                    (negative, dangling) = (true, true);
                }
                Some(':') if !(negative && dangling) => {
                    text.push(':');
                    self.enter(&text);
                    return Ok(());
                }
                Some(')') if !dangling => {
                    text.push(')');
                    self.put(&text, Before::Nothing);
                    return Ok(());
                }
                _ => return Err(BAD_GROUP),
            }
        }
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        if self.skip("Q") {
            let quoted = self.until(r"\E").unwrap_or_else(|| std::mem::replace(&mut self.rest, "".chars()).as_str());
            quoted.chars().for_each(|c| self.literal(c));
            return Ok(());
        }
        if let Some(class) = self.named_class()? {
            self.put(&class, Before::Something);
            return Ok(());
        }
        // Borders of words are those of ASCII.
        for (name, text) in [("A", r"\A"), ("z", r"\z"), ("b", r"(?-u:\b)"), ("B", r"(?-u:\B)")] {
            if self.skip(name) {
                self.put(text, Before::Something);
                return Ok(());
            }
        }
        let c = self.escaped()?;
        self.literal(c);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
