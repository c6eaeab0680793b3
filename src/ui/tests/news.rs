//! Pictures of brokers, of events with their causes, and of explanations.

use super::*;

pictures! {
    brokers: Explorer::of(fixture::elected()).press("3 j");
    brokers_killed: Explorer::of(fixture::killed()).press("3 j");
    broker: Explorer::of(fixture::elected()).press("3 Enter");
    dead_broker: Explorer::of(fixture::killed()).press("3 j Enter");
    broker_catching_up: Explorer::of(fixture::catching_up()).press("3 j Enter");
    events: Explorer::of(fixture::elected()).press("7 j j");
    events_in_the_calm: Explorer::of(fixture::calm()).press("7");
    causes: Explorer::of(fixture::elected()).press("7 j j j Enter");
    causes_of_a_kill: Explorer::of(fixture::killed()).press("7 j j Enter");
    explained_broker: Explorer::of(fixture::calm()).press("i");
    explained_dead_broker: Explorer::of(fixture::killed()).press("k i");
    explained_partition: Explorer::of(fixture::elected()).press("2 Enter j i");
    explained_producer: Explorer::of(fixture::elected()).press("g g j i");
    explained_producer_that_waits: Explorer::of(fixture::killed()).press("g g Enter");
    explained_consumer: Explorer::of(fixture::killed()).press("G k i");
    explained_topic: Explorer::of(fixture::killed()).press("2 i");
    explained_event: Explorer::of(fixture::elected()).press("7 j j j i");
}
