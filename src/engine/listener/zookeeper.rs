//! A ZooKeeper server's port. For now it answers `ruok` with `imok`, as monitoring asks, and closes on anything else: its
//! wire protocol comes with the ensemble, and a client hears at once that there is nothing rather than waiting for it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a client may take for its four letters, and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves a connection until it ends.
pub(super) async fn serve(mut stream: TcpStream) {
    let talk = async {
        let mut word = [0; 4];
        stream.read_exact(&mut word).await?;
        if &word == b"ruok" {
            stream.write_all(b"imok").await?;
        }
        stream.shutdown().await
    };
    if let Ok(Err(error)) = timeout(PATIENCE, talk).await {
        tracing::debug!(%error, "a client of ZooKeeper's port went");
    }
}
