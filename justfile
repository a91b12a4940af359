# What one runs while working on it; `just` lists them.

_list:
    @just --list --unsorted

# formatting, lints and types
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --test lab -- -D warnings

# unit tests and recorded oracle cases; with words, only tests with them in their names
test *WORDS:
    cargo test --workspace -- {{ WORDS }}

# recorded oracle cases with these words in their names
oracle *WORDS:
    cargo test --test oracle -- {{ WORDS }}

# templates made by chance, rendered by ansible-core too: --seed N, --count N, --seconds N
fuzz *FLAGS="--count 5000":
    tests/fuzz/run.sh {{ FLAGS }}

# scenarios on lab hosts with these words in their names
lab *WORDS:
    cargo test --test lab -- {{ WORDS }}

# ours beside ansible-core 2.14.18 on five lab hosts
bench ROUNDS="5":
    benches/run.sh {{ ROUNDS }}

# everything, as CI runs it
all:
    tests/run.sh
