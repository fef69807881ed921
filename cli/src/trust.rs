//! Which certificate authorities count: the public ones, which are compiled in, or those of one PEM
//! file and no others. What is wrong with such a file is said in one plain sentence.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};

use crate::fail::{Failure, Kind, Outcome};
use crate::settings::Environment;

/// The variable that names a file of authorities for all programs that heed it, as OpenSSL does.
pub const VARIABLE: &str = "SSL_CERT_FILE";

/// Where the authorities are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// Compiled in.
    Public,
    /// Of the file that `--ca` or `ca` names. Every certificate in it must be good.
    File(PathBuf),
    /// Of the file that `SSL_CERT_FILE` names: mostly a system's whole bundle, in which single
    /// certificates that cannot be used are passed over.
    Bundle(PathBuf),
}

impl Authorities {
    /// Those of the given file, else of the variable's, else the public ones.
    pub fn find(ca: Option<&Path>, environment: Environment<'_>) -> Self {
        let variable = environment(VARIABLE).filter(|file| !file.is_empty());
        match (ca, variable) {
            (Some(file), _) => Self::File(file.to_owned()),
            (None, Some(file)) => Self::Bundle(file.into()),
            (None, None) => Self::Public,
        }
    }

    /// TLS that trusts these and nobody else.
    ///
    /// # Errors
    /// `Configuration` for a file that cannot be read or used.
    pub fn tls(&self) -> Outcome<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::new(Kind::Other, error))?;
        let roots = self.roots()?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }

    fn roots(&self) -> Outcome<RootCertStore> {
        let mut roots = RootCertStore::empty();
        match self {
            Self::Public => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Self::File(file) => {
                for (number, certificate) in (1..).zip(self.certificates(file)?) {
                    roots.add(certificate).map_err(|_| {
                        self.unusable(&format!(
                            "certificate {number} in it is no X.509 certificate that can be read"
                        ))
                    })?;
                }
            }
            Self::Bundle(file) => {
                let (good, _) = roots.add_parsable_certificates(self.certificates(file)?);
                if good == 0 {
                    return Err(self.unusable("no certificate in it can be read"));
                }
            }
        }
        Ok(roots)
    }

    fn certificates(&self, file: &Path) -> Outcome<Vec<CertificateDer<'static>>> {
        let found: Vec<_> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| self.unusable(&what_is_wrong(&error)))?;
        match found.is_empty() {
            true => Err(self.unusable("no certificate in it")),
            false => Ok(found),
        }
    }

    fn unusable(&self, why: &str) -> Failure {
        Failure::new(Kind::Configuration, format!("{self}: {why}"))
    }
}

impl fmt::Display for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("the public authorities"),
            Self::File(file) => write!(f, "the CA file {}", file.display()),
            Self::Bundle(file) => write!(f, "the CA file {} ({VARIABLE})", file.display()),
        }
    }
}

/// The library's words show lines as lists of bytes.
fn what_is_wrong(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "it is cut off: a certificate in it has no end line".to_owned()
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a line in it begins a certificate, and is not whole".to_owned()
        }
        pem::Error::Base64Decode(_) => {
            "a certificate in it has characters that are not base64".to_owned()
        }
        pem::Error::Io(error) => io_words(error),
        _ => "no certificate in it".to_owned(),
    }
}

fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => "it is not a text file".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    const GOOD: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn what_is_wrong_with_a_file_is_one_plain_sentence() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("ca.pem");
        let cut = GOOD.trim_end().trim_end_matches("-----");
        for (text, why) in [
            ("", "no certificate in it"),
            ("hello\n", "no certificate in it"),
            (cut, "it is cut off: a certificate in it has no end line"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n",
                "it is cut off: a certificate in it has no end line",
            ),
            (
                "-----BEGIN CERTIFICATE\nAAAA\n",
                "a line in it begins a certificate, and is not whole",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
                "a certificate in it has characters that are not base64",
            ),
            (
                GOOD,
                "certificate 1 in it is no X.509 certificate that can be read",
            ),
        ] {
            fs::write(&file, text).unwrap();
            let name = file.display();
            for (authorities, shown, why) in [
                (
                    Authorities::File(file.clone()),
                    format!("the CA file {name}"),
                    why,
                ),
                (
                    Authorities::Bundle(file.clone()),
                    format!("the CA file {name} (SSL_CERT_FILE)"),
                    if text == GOOD {
                        "no certificate in it can be read"
                    } else {
                        why
                    },
                ),
            ] {
                let failure = authorities.tls().unwrap_err();
                assert_eq!(failure.kind, Kind::Configuration);
                assert_eq!(failure.message, format!("{shown}: {why}"), "{text:?}");
            }
        }
        let missing = Authorities::File(folder.path().join("none.pem"));
        let failure = missing.tls().err().unwrap();
        assert!(
            failure
                .message
                .ends_with("No such file or directory (os error 2)"),
            "{failure:?}"
        );
        assert!(Authorities::Public.tls().is_ok());
    }

    #[test]
    fn the_flag_before_the_variable() {
        let set = |name: &str| (name == VARIABLE).then(|| "/bundle.pem".into());
        let empty = |name: &str| (name == VARIABLE).then(std::ffi::OsString::new);
        let (flag, bundle) = (Path::new("/ca.pem"), PathBuf::from("/bundle.pem"));
        let file = Authorities::File(flag.to_owned());
        assert_eq!(Authorities::find(Some(flag), &set), file);
        assert_eq!(Authorities::find(None, &set), Authorities::Bundle(bundle));
        assert_eq!(Authorities::find(None, &empty), Authorities::Public);
        assert_eq!(Authorities::find(None, &|_| None), Authorities::Public);
    }
}
