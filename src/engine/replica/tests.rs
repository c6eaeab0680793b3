//! A leader's and a follower's rules, by hand.
