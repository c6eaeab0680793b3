//! When a lab is ready: all partitions have leaders, and every broker answers on its port, as a client would see it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::listener::ports::Reserved;
use crate::protocol::{ApiVersionsRequest, encode_request};
use crate::session::Session;
use crate::session::snapshot::Snapshot;

/// After how long a broker that does not answer yet is asked again.
const AGAIN: Duration = Duration::from_millis(5);

/// It will never be ready.
#[derive(Debug, Error)]
#[error("the engine ended before the lab was ready: {0}")]
pub struct NotReady(Arc<str>);

/// Who must answer.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    ports: Vec<SocketAddr>,
}

impl Expected {
    pub(super) fn of(brokers: &[(i32, Reserved)]) -> Self {
        let host = |reserved: &Reserved| reserved.host().filter(|ip| !ip.is_unspecified());
        let address = |reserved: &Reserved| {
            SocketAddr::new(host(reserved).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), reserved.port())
        };
        Self { ports: brokers.iter().map(|(_, reserved)| address(reserved)).collect() }
    }
}

/// Waits until the lab is ready.
pub(super) async fn wait(session: &Session, expected: &Expected) -> Result<Arc<Snapshot>, NotReady> {
    let mut snapshots = session.watch();
    let ready = async {
        let snapshot = snapshots.wait_for(|snapshot| snapshot.ready).await.map(|ready| Arc::clone(&ready));
        for port in &expected.ports {
            while answers(*port).await.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
        }
        snapshot
    };
    tokio::select! {
        Ok(snapshot) = ready => Ok(snapshot),
        why = session.ended() => Err(NotReady(why)),
    }
}

/// Asks a broker for its API versions; fine where anything comes back.
async fn answers(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = encode_request(0, 1, None, &ApiVersionsRequest::default().into());
    stream.write_all(&request.to_bytes()).await?;
    stream.read_i32().await.map(|_| ())
}
