//! Znode paths: which are valid, and how they come apart. Pure functions on text.
//!
//! The rules are those of ZooKeeper's `PathUtils.validatePath`.

use super::op::ZkError;

/// The root.
pub(super) const ROOT: &str = "/";

/// Paths that ZooKeeper makes itself and lets nobody delete, parents first.
pub(super) const SPECIAL: [&str; 4] = [ROOT, "/zookeeper", "/zookeeper/config", "/zookeeper/quota"];

/// Whether `path` may name a znode: absolute, no empty part, neither `.` nor `..`, no control characters.
///
/// # Errors
/// [`ZkError::BadArguments`] if not.
pub(super) fn validate(path: &str) -> Result<(), ZkError> {
    let Some(relative) = path.strip_prefix('/') else { return Err(ZkError::BadArguments) };
    let named = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(is_forbidden);
    if relative.is_empty() || relative.split('/').all(named) { Ok(()) } else { Err(ZkError::BadArguments) }
}

/// Control characters, and what Java cannot hold in one `char` or keeps for private use.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
}

/// The parent's path and the last name of a valid path; `None` for the root.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    match path.rsplit_once('/')? {
        (_, "") => None,
        ("", name) => Some((ROOT, name)),
        both => Some(both),
    }
}

/// The names from the root down to `path`; none for the root itself. A path that is not valid has at least one name
/// that no znode has.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    let absolute = path.strip_prefix('/').unwrap_or_default();
    absolute.split('/').filter(move |_| path != ROOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_have_no_empty_or_relative_parts() {
        for good in ["/", "/a", "/a/b", "/a.b", "/...", "/a b", "/ü"] {
            assert_eq!(validate(good), Ok(()), "{good:?}");
        }
        for bad in ["", "a", "a/b", "//", "/a/", "/a//b", "/.", "/a/../b", "/a\0", "/a\u{7f}", "/\u{e000}"] {
            assert_eq!(validate(bad), Err(ZkError::BadArguments), "{bad:?}");
        }
    }

    #[test]
    fn a_path_is_its_parent_and_its_name() {
        assert_eq!(split("/"), None);
        assert_eq!(split("/a"), Some(("/", "a")));
        assert_eq!(split("/a/b"), Some(("/a", "b")));
    }

    #[test]
    fn names_lead_down_from_the_root() {
        assert_eq!(names("/").count(), 0);
        assert_eq!(names("/a/b").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(names("").collect::<Vec<_>>(), [""]);
    }
}
