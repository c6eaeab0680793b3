# Shortcuts for those who have just (https://just.systems); each is one line that can be typed as well.

# What CI runs.
check:
    .ci/run

# The lab and the explorer.
run *ARGS:
    cargo run --release -- {{ARGS}}

# All tests; `just test rust` and `just test clients` are its halves.
test *PARTS:
    tests/run {{PARTS}}

# One or more real clients: `just client franz-go java-4`.
client *NAMES:
    cargo build --release
    tests/clients/run {{NAMES}}

# The README's picture, and the list of keys, anew: what changes in them is then to be looked at and committed.
docs:
    UPDATE_DOCS=1 cargo test --test picture
    UPDATE_DOCS=1 cargo test --lib command

# The house rules alone.
tidy:
    cargo test --test tidy

# Licences and known holes of the dependencies; needs cargo-deny.
deny:
    cargo deny check
