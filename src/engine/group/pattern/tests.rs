//! What Kafka 4.1 takes for a pattern, and what that stands for.

use super::Pattern;

fn matches(pattern: &str, topic: &str) -> bool {
    Pattern::compile(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}")).matches(topic)
}

/// With its words for it.
#[test]
fn what_kafka_refuses_is_refused() {
    let refused = [
        ("missing closing ]", vec!["t[", "[[:alpha:", "[]", "[^]"]),
        ("missing closing )", vec!["(", "(?:a"]),
        ("unexpected )", vec!["a)"]),
        ("invalid repeat count", vec!["a{2,1}", "a{1001}", "a{99999999999}"]),
        ("invalid nested repetition operator", vec!["a**", "a++", "a{2}{3}", "a*??"]),
        ("missing argument to repetition operator", vec!["*a", "a|*", "(?i)*", "(+)"]),
        (
            "invalid or unsupported Perl syntax",
            vec!["(?=x)", "(?>a)", "(?x) a", "(?i-)a", "(?-)a", "(?", "(?a)", "(?P=n)", "(?)"],
        ),
        ("invalid named capture", vec!["(?P<>a)", "(?<n", "(?<n n>a)", "(?<=a)b"]),
        ("duplicate capture group name", vec!["(?P<n>a)(?P<n>b)"]),
        (
            "invalid escape sequence",
            vec![r"\C", r"\Z", r"\h", r"\u0041", r"\K", r"\1", r"\8", r"\E", r"[a-\d]", r"\x4", r"\x{110000}", r"\x{}"],
        ),
        (
            "invalid character class range",
            vec!["[a--b]", "[[:foo:]]", "[z-a]", r"\p{Foo}", r"\pX", r"\p", r"\p{L", r"\p{sc=Greek}"],
        ),
        ("trailing backslash at end of expression", vec!["a\\"]),
    ];
    for (why, patterns) in refused {
        for pattern in patterns {
            assert_eq!(Pattern::compile(pattern).err(), Some(why), "{pattern}");
        }
    }
}

#[test]
fn what_kafka_takes_is_taken() {
    let taken = [
        "",
        "|",
        "()*",
        "^*",
        "a*?",
        "a{,2}",
        "a{",
        "(?P<n>t)",
        "(?<n>t)",
        r"\pN",
        r"\p{Greek}",
        r"\p{^Greek}",
        r"\PL",
        "[[:alpha:]]",
        "[[:^alpha:]]",
        r"\z",
        r"\bt",
        "(?U)a",
        "(?s).",
        "(?m)^a$",
        "[a&&b]",
        "[[a]]",
        r"\x{41}",
        r"\01",
        r"\12",
        r"\400",
        r"\0",
        r"\_",
        r"\-",
        "ä",
        r"\ä",
        r"[\d-z]",
        "[a-]",
        "[-a]",
        "[]a]",
        "[^]a]",
        r"\\q",
    ];
    for pattern in taken {
        assert!(Pattern::compile(pattern).is_ok(), "{pattern}: {:?}", Pattern::compile(pattern).err());
    }
}

#[test]
fn a_pattern_stands_for_whole_names() {
    for (pattern, topic) in [
        ("trucks", "trucks"),
        ("tr.*", "trains"),
        (".*", "__consumer_offsets"),
        ("trucks|trains", "trains"),
        (r"\Qa.b\E-\d+", "a.b-17"),
        (r"\Qa.b", "a.b"),
        ("(?i)TRUCKS_GPS", "trucks_gps"),
        ("a{2,3}", "aaa"),
        (r"\x61\142c", "abc"),
        ("[[:lower:]_]+", "trucks_gps"),
        ("[^a-f]+", "xyz"),
        (r"(t|\d)\w*\B.", "t_x"),
        ("^a$", "a"),
    ] {
        assert!(matches(pattern, topic), "{pattern} is like {topic}");
    }
    for (pattern, topic) in [
        ("tr", "trains"),
        ("ains", "trains"),
        ("a|b", "ab"),
        ("a.b", "a/-b"),
        (r"\Qa.b\E", "axb"),
        ("", "a"),
        ("a{,2}", "a"),
        // Classes have no operators, and no classes within them.
        ("[a&&b]", "ab"),
        ("[[a]]", "a"),
        (r"\bt", "xt"),
    ] {
        assert!(!matches(pattern, topic), "{pattern} is not like {topic}");
    }
    assert!(matches("[a&&b]", "&") && matches("[[a]]", "a]") && matches("[[a]]", "[]"));
}

/// Kafka takes these, and is busy with them.
#[test]
fn a_pattern_that_would_take_too_much_is_refused() {
    for pattern in ["((((a{100}){100}){100}){100})", r"(\pL{1000}){1000}"] {
        assert_eq!(Pattern::compile(pattern).err(), Some("it is too large"), "{pattern}");
    }
    assert!(matches("(a*)*b?(a|a)*", &"a".repeat(249)), "linear time");
    let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(Pattern::compile(&deep).is_err(), "no stack overflows");
}
