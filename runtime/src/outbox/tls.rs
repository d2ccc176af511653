//! TLS to PostgreSQL, by rustls with ring: authority and name of the server's certificate are always checked.
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Authorities;
use super::connect::PLACE;
use crate::error::{Error, Result};

const NO_TLS: &str = "TLS to PostgreSQL cannot be set up";

/// What makes connections secure; nothing where TLS is off, or only preferred and nobody could vouch for a server.
pub(super) fn connector(
    mode: SslMode,
    authorities: &Authorities,
) -> Result<Option<MakeRustlsConnect>> {
    if mode == SslMode::Disable {
        return Ok(None);
    }
    let roots = match authorities {
        Authorities::File(path) => of_file(path)?,
        Authorities::System => of_system(),
    };
    if roots.is_empty() {
        if mode == SslMode::Prefer {
            tracing::warn!(
                "no certificate authority of the system can be read: no TLS to PostgreSQL"
            );
            return Ok(None);
        }
        return Err(Error::config(NO_TLS)
            .at("setting", PLACE)
            .why("the system has no certificate authority that can be read")
            .fix("install the Debian package `ca-certificates`, or name a file with sslrootcert"));
    }
    // Not the process' default provider: a service that links this may have none, or another.
    let client = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::bug(NO_TLS).why(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn of_file(path: &Path) -> Result<RootCertStore> {
    let failed = |why: String| {
        Error::config(NO_TLS)
            .at("file", path.display())
            .why(why)
            .fix(format!(
                "let sslrootcert in {PLACE} name a file with certificates in PEM"
            ))
    };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(failed)?;
    }
    match roots.is_empty() {
        true => Err(failed("it holds no certificate".to_owned())),
        false => Ok(roots),
    }
}

fn of_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate authority of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// What to do about a certificate that does not hold; `None` where an error is about something else.
pub(super) fn advice(error: &tokio_postgres::Error) -> Option<&'static str> {
    let source = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    let rustls::Error::InvalidCertificate(why) = source.get_ref()?.downcast_ref()? else {
        return None;
    };
    Some(match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "name a file with its authority's certificate: sslrootcert=FILE in --postgres (DATABASE_URL)"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "connect to a host name that the certificate is for"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "give the server a new certificate"
        }
        _ => {
            "give the server a certificate of an authority, and clients that authority's: sslrootcert=FILE"
        }
    })
}
