//! `GET /v1/events`: what happens from now on, as server-sent events: `id`, `event` (the kind) and `data` (the event in
//! JSON). Where the ring let events go before they could be told, a `dropped` event says how many.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event as Sent, KeepAlive};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use tokio::sync::watch;

use super::Api;
use crate::session::event::Event;
use crate::session::snapshot::Snapshot;

/// Where a reader stands.
struct Reader {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The newest event that was told.
    told: u64,
    dropped: u64,
}

pub(super) async fn stream(State(api): State<Api>) -> Sse<impl Stream<Item = Result<Sent, Infallible>>> {
    let now = api.session.snapshot().await;
    let told = now.events.last().map_or(0, |event| event.id);
    let reader = Reader { snapshots: api.session.watch(), told, dropped: now.events_dropped };
    let batches = stream::unfold(reader, |mut reader| async {
        let batch = reader.next().await?;
        Some((stream::iter(batch), reader))
    });
    let events = batches.flatten().map(Ok).take_until(api.end.cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::default())
}

impl Reader {
    /// What happened since the last time; `None` where the session has ended.
    async fn next(&mut self) -> Option<Vec<Sent>> {
        self.snapshots.changed().await.ok()?;
        let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
        let oldest = snapshot.events.first().map_or(0, |event| event.id);
        let mut batch = Vec::new();
        if snapshot.events_dropped > self.dropped && oldest > self.told {
            let dropped = json!({ "dropped": snapshot.events_dropped - self.dropped });
            batch.push(Sent::default().event("dropped").data(dropped.to_string()));
        }
        self.dropped = snapshot.events_dropped;
        let news = snapshot.events.iter().skip_while(|event| event.id <= self.told);
        batch.extend(news.map(sent));
        self.told = snapshot.events.last().map_or(self.told, |event| event.id.max(self.told));
        Some(batch)
    }
}

fn sent(event: &Event) -> Sent {
    // What cannot be written as JSON does not exist among plain data.
    let data = serde_json::to_string(event).unwrap_or_default();
    Sent::default().id(event.id.to_string()).event(&*event.kind).data(data)
}
