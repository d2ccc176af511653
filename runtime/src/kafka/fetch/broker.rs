//! A connection to one broker: requests out, answers in, in order.
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a broker may take to accept.
const TO_ACCEPT: Duration = Duration::from_secs(3);

/// How long a broker may send nothing of an answer; far beyond what it is asked to wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of memory that are kept for the next answer.
const KEPT_BYTES: usize = 8 << 20;

/// The largest answer that is believed, in bytes; as librdkafka's `receive.message.max.bytes`.
const LARGEST: usize = 100_000_000;

/// Why a broker cannot be spoken with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("it says nothing")]
    Silent,
    #[error("an answer cannot be read: {0}")]
    Protocol(String),
}

impl From<tokio::time::error::Elapsed> for Trouble {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Silent
    }
}

/// A broker that is connected.
pub(super) struct Broker {
    stream: TcpStream,
    /// Number of the last request.
    last: i32,
    /// How much longer the next answer may take.
    throttled: Duration,
    buffer: BytesMut,
}

impl Broker {
    pub(super) async fn connect(host: &str, port: u16) -> Result<Self, Trouble> {
        let stream = timeout(TO_ACCEPT, TcpStream::connect((host, port))).await??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            last: 0,
            throttled: Duration::ZERO,
            buffer: BytesMut::new(),
        })
    }

    /// The broker said that it says nothing for so many milliseconds.
    pub(super) fn throttle(&mut self, millis: i32) {
        self.throttled = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask<Q: Request>(
        &mut self,
        version: i16,
        request: &Q,
    ) -> Result<Q::Response, Trouble> {
        self.send(version, request).await?;
        self.answer::<Q>(version).await
    }

    /// Asks. The answer is still to be taken.
    pub(super) async fn send<Q: Request>(
        &mut self,
        version: i16,
        request: &Q,
    ) -> Result<(), Trouble> {
        self.last = self.last.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.last)
            .with_client_id(Some(StrBytes::from_static_str("topicwright")));
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        let written = header
            .encode(&mut frame, <Q as HeaderVersion>::header_version(version))
            .and_then(|()| request.encode(&mut frame, version));
        written.map_err(|error| Trouble::Protocol(error.to_string()))?;
        let length = i32::try_from(frame.len() - 4).unwrap_or(i32::MAX);
        if let Some(prefix) = frame.get_mut(..4) {
            prefix.copy_from_slice(&length.to_be_bytes());
        }
        timeout(PATIENCE, self.stream.write_all(&frame)).await??;
        Ok(())
    }

    /// Waits for the answer to the last request.
    pub(super) async fn answer<Q: Request>(
        &mut self,
        version: i16,
    ) -> Result<Q::Response, Trouble> {
        let mut frame = self.frame().await?;
        let unreadable = |error: &dyn std::fmt::Display| Trouble::Protocol(error.to_string());
        let header_version = <Q::Response as HeaderVersion>::header_version(version);
        let header = ResponseHeader::decode(&mut frame, header_version)
            .map_err(|error| unreadable(&error))?;
        if header.correlation_id != self.last {
            return Err(Trouble::Protocol("it is another's answer".to_owned()));
        }
        Q::Response::decode(&mut frame, version).map_err(|error| unreadable(&error))
    }

    async fn frame(&mut self) -> Result<Bytes, Trouble> {
        let mut length = [0; 4];
        let patience = PATIENCE + std::mem::take(&mut self.throttled);
        timeout(patience, self.stream.read_exact(&mut length)).await??;
        let length = usize::try_from(i32::from_be_bytes(length))
            .ok()
            .filter(|length| *length <= LARGEST)
            .ok_or_else(|| Trouble::Protocol("its length is not believed".to_owned()))?;
        // The memory of the last answer, where nobody has a part of it any more.
        self.buffer.clear();
        if self.buffer.capacity() > KEPT_BYTES {
            self.buffer = BytesMut::new();
        }
        self.buffer.reserve(length);
        let mut rest = length;
        while rest > 0 {
            let mut window = (&mut self.buffer).limit(rest);
            let read = timeout(PATIENCE, self.stream.read_buf(&mut window)).await??;
            if read == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
            rest -= read;
        }
        Ok(self.buffer.split().freeze())
    }
}
