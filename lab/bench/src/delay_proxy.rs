//! A proxy that stands for the network between a service and its database: it holds every chunk for a fixed time in each
//! direction, and counts the round trips. The services are started behind it in `server`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The maximum size of a chunk that is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// The stack of a thread that copies chunks, whose buffer is on the heap.
const STACK_BYTES: usize = 128 << 10;

/// A proxy that accepts connections until it is dropped. Connections that are open then last until one side closes them.
pub(super) struct DelayProxy {
    /// Where it listens.
    pub(super) address: SocketAddr,
    round_trips: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl DelayProxy {
    /// Listens on a free loopback port and forwards every connection to `target`, a host and port.
    ///
    /// Each connection has four threads, because the runtime's timer has a resolution of a millisecond, which is longer
    /// than the delays that are measured.
    pub(super) async fn start(target: String, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no port is free on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let round_trips = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&round_trips);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // If the connection cannot be passed on, it is closed, which the service reports.
                let _ = pass(client, &target, delay, Arc::clone(&counter)).await;
            }
        });
        Ok(Self {
            address,
            round_trips,
            accepting,
        })
    }

    /// Returns the number of round trips so far: how often a client sent something after it had an answer, or the first time.
    /// Everything that it sends without waiting for an answer is part of the same round trip.
    pub(super) fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::SeqCst)
    }
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connects a client to the target and starts both directions.
async fn pass(
    client: tokio::net::TcpStream,
    target: &str,
    delay: Duration,
    round_trips: Arc<AtomicU64>,
) -> Result<()> {
    let server = tokio::net::TcpStream::connect(target).await?;
    let (client, server) = (blocking(client)?, blocking(server)?);
    let turns = Arc::new(Turns {
        round_trips,
        is_answered: AtomicBool::new(true),
    });
    forward(
        client.try_clone()?,
        server.try_clone()?,
        delay,
        Direction::ToServer(Arc::clone(&turns)),
    )?;
    forward(server, client, delay, Direction::ToClient(turns))?;
    Ok(())
}

/// Turns a stream of the runtime into one for threads, which sends everything at once.
fn blocking(stream: tokio::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The turns that both sides of one connection take.
struct Turns {
    round_trips: Arc<AtomicU64>,
    /// The client has received something since it last sent something.
    is_answered: AtomicBool,
}

/// The direction of chunks.
#[derive(Clone)]
enum Direction {
    ToServer(Arc<Turns>),
    ToClient(Arc<Turns>),
}

impl Direction {
    /// Takes note of a chunk that has arrived.
    fn arrived(&self) {
        if let Self::ToServer(turns) = self
            && turns.is_answered.swap(false, Ordering::SeqCst)
        {
            turns.round_trips.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Takes note of a chunk that is about to be delivered.
    fn delivering(&self) {
        if let Self::ToClient(turns) = self {
            turns.is_answered.store(true, Ordering::SeqCst);
        }
    }
}

/// A chunk with the time of its arrival.
struct Chunk {
    arrived_at: Instant,
    bytes: Vec<u8>,
}

/// Reads on one thread and writes on another, so that chunks that are held don't keep others from being read.
fn forward(
    from: TcpStream,
    to: TcpStream,
    delay: Duration,
    direction: Direction,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    let source = from.try_clone()?;
    let observer = direction.clone();
    let thread = || thread::Builder::new().stack_size(STACK_BYTES);
    thread().spawn(move || read_chunks(source, &sender, &observer))?;
    thread().spawn(move || {
        // A side that has gone away ends its connection on the other side too, where the service or the database reports it.
        if write_chunks(&to, &receiver, delay, &direction).is_err() {
            let _ = from.shutdown(Shutdown::Both);
        }
        let _ = to.shutdown(Shutdown::Write);
    })?;
    Ok(())
}

fn read_chunks(mut from: TcpStream, chunks: &Sender<Chunk>, direction: &Direction) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        direction.arrived();
        let chunk = Chunk {
            arrived_at: Instant::now(),
            bytes: buffer[..length].to_vec(),
        };
        if chunks.send(chunk).is_err() {
            break;
        }
    }
}

fn write_chunks(
    mut to: &TcpStream,
    chunks: &Receiver<Chunk>,
    delay: Duration,
    direction: &Direction,
) -> io::Result<()> {
    for chunk in chunks {
        thread::sleep((chunk.arrived_at + delay).saturating_duration_since(Instant::now()));
        direction.delivering();
        to.write_all(&chunk.bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const DELAY: Duration = Duration::from_millis(20);

    /// Returns both ends of a connection through a proxy.
    async fn ends() -> Result<(DelayProxy, tokio::net::TcpStream, tokio::net::TcpStream)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let proxy = DelayProxy::start(listener.local_addr()?.to_string(), DELAY).await?;
        let client = tokio::net::TcpStream::connect(proxy.address).await?;
        let (server, _) = listener.accept().await?;
        Ok((proxy, client, server))
    }

    /// Sends a byte and returns how long it is on its way.
    async fn time_of_a_byte(
        from: &mut tokio::net::TcpStream,
        to: &mut tokio::net::TcpStream,
    ) -> Result<Duration> {
        let sent_at = Instant::now();
        from.write_all(b"x").await?;
        to.read_u8().await?;
        Ok(sent_at.elapsed())
    }

    #[tokio::test]
    async fn every_chunk_is_held_in_each_direction() -> Result<()> {
        let (_proxy, mut client, mut server) = ends().await?;
        for _ in 0..3 {
            assert!(time_of_a_byte(&mut client, &mut server).await? >= DELAY);
            assert!(time_of_a_byte(&mut server, &mut client).await? >= DELAY);
        }
        Ok(())
    }

    /// Sends more than fits in a chunk, in several writes, and checks that it arrives as it was sent, and then the end.
    async fn check_order(
        from: &mut tokio::net::TcpStream,
        to: &mut tokio::net::TcpStream,
    ) -> Result<()> {
        let sent: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut received = Vec::new();
        let send = async {
            for part in sent.chunks(10_007) {
                from.write_all(part).await?;
            }
            from.shutdown().await
        };
        let (sending, receiving) = tokio::join!(send, to.read_to_end(&mut received));
        sending?;
        receiving?;
        assert!(received == sent, "{} bytes arrived", received.len());
        Ok(())
    }

    #[tokio::test]
    async fn order_is_kept_in_each_direction_until_the_end() -> Result<()> {
        let (_proxy, mut client, mut server) = ends().await?;
        check_order(&mut client, &mut server).await?;
        check_order(&mut server, &mut client).await
    }

    #[tokio::test]
    async fn what_is_sent_without_waiting_is_one_round_trip() -> Result<()> {
        let (proxy, mut client, mut server) = ends().await?;
        let mut two = [0; 2];
        for expected in 1..=3 {
            for byte in [b"a", b"b"] {
                client.write_all(byte).await?;
            }
            server.read_exact(&mut two).await?;
            assert_eq!(proxy.round_trips(), expected);
            for byte in [b"c", b"d"] {
                server.write_all(byte).await?;
            }
            client.read_exact(&mut two).await?;
        }
        Ok(())
    }
}
