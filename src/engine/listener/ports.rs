//! Which ports a lab takes, and how it keeps them. A broker's port is taken before the broker exists and kept when it is
//! dead: it stays bound without listening, so that connects are refused, nobody else can take it, and no client
//! connects to itself (a client's own port is never one that is bound).
//!
//! How: a *holder* is bound with `SO_REUSEPORT` and never listens; the listener of a living broker is bound beside it.
//! Every lab looks first whether it could bind *without* `SO_REUSEPORT`, which a holder prevents.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// How many blocks of ports are tried where the usual one is taken.
const BLOCKS: u16 = 200;

/// Connections that the operating system keeps for a listener that does not accept them fast enough.
const BACKLOG: i32 = 1_024;

/// Which ports somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// From this one on, or the next free block.
    From(u16),
    /// Exactly these: from this one on.
    Exactly(u16),
    /// Any.
    Any,
}

impl Wish {
    /// What `--port` means: `asked` or, without it, the usual one; 0 is any.
    pub fn asked(asked: Option<u16>, usual: u16) -> Self {
        match asked {
            None => Self::From(usual),
            Some(0) => Self::Any,
            Some(port) => Self::Exactly(port),
        }
    }
}

/// Why there are no ports.
#[derive(Debug, Error)]
pub enum PortError {
    /// A port that was asked for is taken.
    #[error("port {port} is taken; give another one with {option}, or 0 for any free one")]
    Taken {
        /// The port.
        port: u16,
        /// The option that asked for it.
        option: &'static str,
    },
    /// There is no free block where one was looked for.
    #[error("no {count} free ports in a row from {from} on; give others with {option}, or 0 for any free ones")]
    NoBlock {
        /// How many were wanted.
        count: u16,
        /// From where on.
        from: u16,
        /// The option that says where.
        option: &'static str,
    },
    /// The block would end above 65535.
    #[error("{count} ports from {from} on end above 65535; give a lower one with {option}")]
    TooHigh {
        /// How many were wanted.
        count: u16,
        /// From where on.
        from: u16,
        /// The option that says where.
        option: &'static str,
    },
    /// The operating system refuses for another reason.
    #[error("cannot bind {address}: {source}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A port that this lab keeps, on each of its addresses.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    holders: Vec<(SocketAddr, Socket)>,
}

impl Reserved {
    /// The port's number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first of its addresses.
    pub fn host(&self) -> Option<IpAddr> {
        self.holders.first().map(|(address, _)| address.ip())
    }

    /// Opens it: listens on each of its addresses until what is returned is dropped.
    ///
    /// Must be called within a tokio runtime.
    pub(super) fn listen(&self) -> io::Result<Vec<tokio::net::TcpListener>> {
        self.holders.iter().map(|(address, _)| listen(*address)).collect()
    }
}

/// Where a lab listens: on `127.0.0.1` and, where there is one, on `::1`; or where it was asked to.
pub fn addresses(asked: Option<IpAddr>) -> Vec<IpAddr> {
    match asked {
        Some(address) => vec![address],
        None => [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .into_iter()
            .filter(|address| address.is_ipv4() || probe(SocketAddr::new(*address, 0)).is_ok())
            .collect(),
    }
}

/// Takes `count` ports on `addresses`, as `wish` says; `option` is named where that fails.
pub fn reserve(wish: Wish, count: u16, addresses: &[IpAddr], option: &'static str) -> Result<Vec<Reserved>, PortError> {
    match wish {
        Wish::Any => (0..count).map(|_| any(addresses)).collect(),
        Wish::Exactly(from) => block(from, count, addresses).map_err(|error| match error {
            BlockError::Taken(port) => PortError::Taken { port, option },
            BlockError::TooHigh => PortError::TooHigh { count, from, option },
            BlockError::Refused(address, source) => PortError::Refused { address, source },
        }),
        Wish::From(usual) => {
            for base in (0..BLOCKS).filter_map(|n| usual.checked_add(n.checked_mul(count.max(1))?)) {
                match block(base, count, addresses) {
                    Ok(reserved) => return Ok(reserved),
                    Err(BlockError::Taken(_) | BlockError::TooHigh) => {}
                    Err(BlockError::Refused(address, source)) => return Err(PortError::Refused { address, source }),
                }
            }
            Err(PortError::NoBlock { count, from: usual, option })
        }
    }
}

enum BlockError {
    Taken(u16),
    TooHigh,
    Refused(SocketAddr, io::Error),
}

fn block(from: u16, count: u16, addresses: &[IpAddr]) -> Result<Vec<Reserved>, BlockError> {
    if from.checked_add(count.saturating_sub(1)).is_none() {
        return Err(BlockError::TooHigh);
    }
    (from..).take(count.into()).map(|port| one(port, addresses)).collect()
}

fn one(port: u16, addresses: &[IpAddr]) -> Result<Reserved, BlockError> {
    let hold_all = || {
        addresses
            .iter()
            .map(|address| {
                let address = SocketAddr::new(*address, port);
                hold(address).map(|holder| (address, holder)).map_err(|error| (address, error))
            })
            .collect::<Result<Vec<_>, _>>()
    };
    match hold_all() {
        Ok(holders) => Ok(Reserved { port, holders }),
        Err((_, error)) if error.kind() == io::ErrorKind::AddrInUse => Err(BlockError::Taken(port)),
        Err((address, error)) => Err(BlockError::Refused(address, error)),
    }
}

/// A port that the operating system picks on the first address and that is free on the others too.
fn any(addresses: &[IpAddr]) -> Result<Reserved, PortError> {
    let first = SocketAddr::new(addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST.into()), 0);
    let refused = |source| PortError::Refused { address: first, source };
    let mut newest = io::ErrorKind::AddrInUse.into();
    for _ in 0..BLOCKS {
        let holder = hold(first).map_err(refused)?;
        let port = port_of(&holder).map_err(refused)?;
        let rest = addresses.iter().skip(1).map(|address| SocketAddr::new(*address, port));
        match rest.map(|address| hold(address).map(|holder| (address, holder))).collect::<io::Result<Vec<_>>>() {
            Ok(mut holders) => {
                holders.insert(0, (SocketAddr::new(first.ip(), port), holder));
                return Ok(Reserved { port, holders });
            }
            Err(error) => newest = error,
        }
    }
    Err(refused(newest))
}

fn port_of(socket: &Socket) -> io::Result<u16> {
    let address = socket.local_addr()?.as_socket();
    address.map(|address| address.port()).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// Binds a holder, after a look whether the port is free.
fn hold(address: SocketAddr) -> io::Result<Socket> {
    drop(probe(address)?);
    let socket = tcp(address)?;
    share_port(&socket)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Binds as others do: fails where somebody listens, or holds.
fn probe(address: SocketAddr) -> io::Result<Socket> {
    let socket = tcp(address)?;
    // Connections that ended a moment ago do not keep a port.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let socket = tcp(address)?;
    socket.set_reuse_address(true)?;
    share_port(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(socket.into())
}

fn tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

#[cfg(unix)]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn share_port(_: &Socket) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "keeping the port of a dead broker needs Linux or macOS"))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const V4: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::LOCALHOST)];

    fn rt() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn one(reserved: &mut Vec<Reserved>) -> Reserved {
        reserved.pop().unwrap()
    }

    #[test]
    fn a_kept_port_refuses_connects_and_cannot_be_taken() {
        let kept = one(&mut reserve(Wish::Any, 1, &addresses(None), "--port").unwrap());
        for address in addresses(None) {
            let at = SocketAddr::new(address, kept.port());
            assert_eq!(TcpStream::connect(at).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            assert_eq!(TcpListener::bind(at).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        let asked = reserve(Wish::Exactly(kept.port()), 1, &V4, "--port").unwrap_err();
        assert_eq!(
            asked.to_string(),
            format!("port {} is taken; give another one with --port, or 0 for any free one", kept.port())
        );
    }

    #[test]
    fn a_port_opens_closes_and_opens_again_with_clients_that_came_and_went() {
        let kept = one(&mut reserve(Wish::Any, 1, &V4, "--port").unwrap());
        let at = SocketAddr::new(V4[0], kept.port());
        let rt = rt();
        let _inside = rt.enter();
        for _ in 0..3 {
            let listeners = kept.listen().unwrap();
            let client = TcpStream::connect(at).unwrap();
            let (server, _) = rt.block_on(listeners[0].accept()).unwrap();
            drop(server);
            drop(client);
            drop(listeners);
            assert_eq!(TcpStream::connect(at).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[test]
    fn a_lab_that_ended_leaves_its_ports_for_the_next_at_once() {
        let kept = one(&mut reserve(Wish::Any, 1, &V4, "--port").unwrap());
        let (port, rt) = (kept.port(), rt());
        let _inside = rt.enter();
        let listeners = kept.listen().unwrap();
        let client = TcpStream::connect((V4[0], port)).unwrap();
        // The server's side closes first: its port has a connection in TIME_WAIT then.
        drop(rt.block_on(listeners[0].accept()).unwrap());
        drop((listeners, kept, client));
        let again = one(&mut reserve(Wish::Exactly(port), 1, &V4, "--port").unwrap());
        again.listen().unwrap();
    }

    #[test]
    fn the_next_free_block_is_taken_where_the_usual_one_is_not_free() {
        let first = reserve(Wish::From(39_092), 3, &V4, "--port").unwrap();
        let second = reserve(Wish::From(first[0].port()), 3, &V4, "--port").unwrap();
        assert!(second[0].port() >= first[0].port() + 3);
        let ports: Vec<u16> = second.iter().map(Reserved::port).collect();
        assert_eq!(ports, [ports[0], ports[0] + 1, ports[0] + 2], "in a row");
    }

    #[test]
    fn a_block_that_does_not_fit_is_refused() {
        let error = reserve(Wish::Exactly(65_534), 3, &V4, "--zk-port").unwrap_err();
        assert_eq!(error.to_string(), "3 ports from 65534 on end above 65535; give a lower one with --zk-port");
    }

    #[test]
    fn what_an_option_means() {
        assert_eq!(Wish::asked(None, 9092), Wish::From(9092));
        assert_eq!(Wish::asked(Some(0), 9092), Wish::Any);
        assert_eq!(Wish::asked(Some(7), 9092), Wish::Exactly(7));
    }
}
