//! Connections of HTTP and Flight: accepted, their TLS handshakes done apart from each other, and told who shakes hands.

use crate::tls::{Acceptor, common_name};
use axum::extract::connect_info::Connected as ConnectedToAxum;
use axum::serve::IncomingStream;
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

/// A handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A conversation in which nobody has proved who they are is ended after this: strangers must not take all places.
const STRANGER: Duration = Duration::from_secs(60);
/// Connections that wait to be served.
const WAITING: usize = 64;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub address: SocketAddr,
    /// Common name in its certificate, which was checked.
    pub certificate: Option<String>,
    /// Set once a request was let in, and seen by the conversation.
    known: Arc<AtomicBool>,
}

impl Peer {
    fn new(address: SocketAddr, certificate: Option<String>) -> Self {
        Self { address, certificate, known: Arc::default() }
    }

    /// Somebody who may ask has asked: the conversation may last.
    pub fn let_in(&self) {
        self.known.store(true, Ordering::Relaxed);
    }
}

/// An open connection.
pub(crate) struct Conversation {
    io: Io,
    peer: Peer,
    /// When it ends, if nobody is let in until then.
    patience: Option<Pin<Box<Sleep>>>,
    /// Given back when it ends, so that another may begin.
    _place: OwnedSemaphorePermit,
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Conversation {
    fn new(io: Io, peer: Peer, _place: OwnedSemaphorePermit, patience: Duration) -> Self {
        Self { io, peer, patience: Some(Box::pin(tokio::time::sleep(patience))), _place }
    }

    /// Whether nobody was let in for too long; wakes the task when that may be.
    fn is_stranger(&mut self, context: &mut Context<'_>) -> bool {
        if self.peer.known.load(Ordering::Relaxed) {
            self.patience = None;
        }
        self.patience.as_mut().is_some_and(|patience| patience.as_mut().poll(context).is_ready())
    }
}

/// The connections to an address.
pub(crate) struct Accepted {
    address: SocketAddr,
    conversations: mpsc::Receiver<Conversation>,
}

impl Accepted {
    /// Accepts until this is dropped, so many at once; others wait to be accepted.
    pub fn start(listener: TcpListener, tls: Option<Acceptor>, most: usize) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, conversations) = mpsc::channel(WAITING);
        let places = Arc::new(Semaphore::new(most));
        tokio::spawn(async move {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = sender.closed() => return,
                };
                match accepted {
                    Ok((socket, address)) => {
                        tokio::spawn(shake(socket, address, tls.clone(), place, sender.clone()));
                    }
                    Err(e) => {
                        tracing::warn!(error = %e, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            }
        });
        Ok(Self { address, conversations })
    }

    /// The connections as tonic wants them.
    pub fn stream(self) -> impl futures::Stream<Item = io::Result<Conversation>> {
        futures::stream::unfold(self, |mut accepted| async {
            let next = accepted.conversations.recv().await?;
            Some((Ok(next), accepted))
        })
    }
}

async fn shake(
    socket: TcpStream,
    address: SocketAddr,
    tls: Option<Acceptor>,
    _place: OwnedSemaphorePermit,
    to: mpsc::Sender<Conversation>,
) {
    let _ = socket.set_nodelay(true);
    let conversation = match tls {
        None => Conversation::new(Io::Plain(socket), Peer::new(address, None), _place, STRANGER),
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.current().accept(socket)).await {
            Ok(Ok(stream)) => {
                let certificate = stream.get_ref().1.peer_certificates().and_then(|all| common_name(all.first()?));
                Conversation::new(Io::Tls(Box::new(stream)), Peer::new(address, certificate), _place, STRANGER)
            }
            Ok(Err(e)) => return tracing::debug!(error = %e, "a TLS handshake failed"),
            Err(_) => return tracing::debug!("a TLS handshake took too long"),
        },
    };
    // A server that stops takes no more.
    let _ = to.send(conversation).await;
}

impl axum::serve::Listener for Accepted {
    type Io = Conversation;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Conversation, SocketAddr) {
        match self.conversations.recv().await {
            Some(conversation) => {
                let address = conversation.peer.address;
                (conversation, address)
            }
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl ConnectedToAxum<IncomingStream<'_, Accepted>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Accepted>) -> Self {
        stream.io().peer.clone()
    }
}

impl tonic::transport::server::Connected for Conversation {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Conversation {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_stranger(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Io::Tls(io) => Pin::new(io.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Conversation {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Io::Tls(io) => Pin::new(io.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(context),
            Io::Tls(io) => Pin::new(io.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(context),
            Io::Tls(io) => Pin::new(io.as_mut()).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    const SHORT: Duration = Duration::from_millis(50);

    /// Two ends of a connection, the server's as a conversation.
    async fn pair() -> (TcpStream, Conversation) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (socket, address) = listener.accept().await.expect("accepted");
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("a place");
        (client, Conversation::new(Io::Plain(socket), Peer::new(address, None), place, SHORT))
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let (_client, mut stranger) = pair().await;
        let (_other, mut guest) = pair().await;
        guest.peer.let_in();
        let mut byte = [0; 1];
        let error = tokio::time::timeout(Duration::from_secs(20), stranger.read(&mut byte)).await.expect("it ends");
        assert_eq!(error.expect_err("nobody was let in").kind(), io::ErrorKind::TimedOut);
        assert!(tokio::time::timeout(SHORT * 4, guest.read(&mut byte)).await.is_err(), "a guest may be silent");
    }
}
