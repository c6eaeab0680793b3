//! From the command line's options to a lab's: what is checked here is what clap cannot know.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{CliError, LabArgs, Pace, size};
use crate::session::embedded::LabOptions;

/// Where the control API listens by default.
pub(super) const CONTROL_PORT: u16 = 9644;

/// The least that the logs must be given: less holds no segment of each partition.
const LEAST_MEMORY_BYTES: u64 = 16 << 20;

/// The most that the logs are given unless asked for.
const USUAL_MEMORY_BYTES: u64 = 2 << 30;

/// Where the control API is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Nowhere.
    Off,
    /// On the usual port, or the next free one.
    Usual,
    /// Here.
    At(SocketAddr),
}

/// The most ZooKeeper servers: each write goes to all of them.
const MOST_ZOOKEEPERS: u8 = 9;

fn usage(text: impl Into<String>) -> CliError {
    CliError::Usage(text.into())
}

/// Refuses what waits for a later version, and whatever makes no sense.
pub(super) fn options(args: &LabArgs) -> Result<LabOptions, CliError> {
    refuse_later(args)?;
    let mut options = LabOptions::new(args.pace == Pace::Kafka);
    options.brokers = args.brokers;
    options.zookeepers = args.zookeepers;
    options.port = args.port;
    options.zk_port = args.zk_port;
    options.listen = args.listen;
    options.advertise = args.advertise.as_deref().map(Into::into);
    options.seed = args.seed.unwrap_or_else(super::run::any_seed);
    options.rate_ppm = rate(&args.rate)?;
    options.memory_bytes = memory(args.memory.as_deref())?;
    options.traffic = !args.no_traffic;
    options.data_dir.clone_from(&args.data_dir);
    for setting in &args.set {
        let (name, value) =
            setting.split_once('=').ok_or_else(|| usage(format!("--set {setting}: KEY=VALUE is wanted")))?;
        options.set(name.trim(), value).map_err(|error| usage(format!("--set: {error}")))?;
    }
    Ok(options)
}

fn refuse_later(args: &LabArgs) -> Result<(), CliError> {
    let later = [(args.record.is_some(), "--record"), (args.demo.is_some(), "--demo")];
    if let Some((_, what)) = later.into_iter().find(|(given, _)| *given) {
        return Err(CliError::later(what));
    }
    if args.zookeepers == 0 {
        return Err(usage("--zookeepers 0: the brokers of ZooKeeper mode need one; leave it out"));
    }
    if args.zookeepers > MOST_ZOOKEEPERS {
        return Err(usage(format!(
            "--zookeepers {}: 1 to {MOST_ZOOKEEPERS} are wanted, an odd number as a rule",
            args.zookeepers
        )));
    }
    if args.zookeepers.is_multiple_of(2) {
        let (servers, may_fail) = (args.zookeepers, (args.zookeepers - 1) / 2);
        tracing::warn!(
            "{servers} ZooKeeper servers survive the loss of {may_fail}, as {} do: an odd number is better",
            servers - 1
        );
    }
    Ok(())
}

fn rate(text: &str) -> Result<u64, CliError> {
    let range = LabOptions::RATE_RANGE_PPM;
    size::millionths(text)
        .filter(|ppm| range.contains(ppm))
        .ok_or_else(|| usage(format!("--rate {text}: a number from 0.001 to 100 is wanted")))
}

fn memory(text: Option<&str>) -> Result<u64, CliError> {
    let Some(text) = text else { return Ok(usual_memory()) };
    size::bytes(text)
        .filter(|bytes| *bytes >= LEAST_MEMORY_BYTES)
        .ok_or_else(|| usage(format!("--memory {text}: a size from 16M up is wanted, such as 512M or 2G")))
}

/// A quarter of the machine's memory, at most 2 GiB. Where the machine does not say (other than Linux), 1 GiB.
fn usual_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().strip_suffix(" kB")).and_then(|kib| kib.trim().parse::<u64>().ok());
    kib.map_or(USUAL_MEMORY_BYTES / 2, |kib| (kib * 1024 / 4).clamp(LEAST_MEMORY_BYTES, USUAL_MEMORY_BYTES))
}

/// Where `--control` says. The API can kill brokers: it never leaves loopback.
pub(super) fn control(text: Option<&str>) -> Result<Control, CliError> {
    let Some(text) = text else { return Ok(Control::Usual) };
    if text == "off" {
        return Ok(Control::Off);
    }
    let address = text
        .parse::<SocketAddr>()
        .or_else(|_| text.parse::<u16>().map(|port| (Ipv4Addr::LOCALHOST, port).into()))
        .or_else(|_| text.replace("localhost", "127.0.0.1").parse())
        .or_else(|_| text.parse::<IpAddr>().map(|ip| (ip, CONTROL_PORT).into()))
        .map_err(|_| usage(format!("--control {text}: an address such as 127.0.0.1:9644 is wanted, or 'off'")))?;
    if !address.ip().is_loopback() {
        return Err(usage(format!("--control {text}: the control API is for loopback only, such as 127.0.0.1:9644")));
    }
    Ok(Control::At(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_control_api_listens() {
        let at = |text| match control(Some(text)) {
            Ok(Control::At(address)) => address.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(control(None).unwrap(), Control::Usual);
        assert_eq!(control(Some("off")).unwrap(), Control::Off);
        assert_eq!(at("127.0.0.1:7000"), "127.0.0.1:7000");
        assert_eq!(at("localhost:7000"), "127.0.0.1:7000");
        assert_eq!(at("7000"), "127.0.0.1:7000");
        assert_eq!(at("[::1]:0"), "[::1]:0");
        assert_eq!(at("::1"), "[::1]:9644");
        assert!(control(Some("0.0.0.0:9644")).unwrap_err().to_string().contains("loopback"));
        assert!(control(Some("here")).unwrap_err().to_string().contains("is wanted"));
    }

    #[test]
    fn the_usual_memory_is_within_its_bounds() {
        assert!((LEAST_MEMORY_BYTES..=USUAL_MEMORY_BYTES).contains(&usual_memory()));
    }
}
