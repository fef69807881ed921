//! SigningService: hands out certificates that say of themselves that they are
//! samples. Reads no certificate request and signs nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use tonic::{Code, Request, Response, Status};

use super::Service;
use crate::caller::Caller;
use crate::digest::sha256_hex;
use crate::failure::Failure;
use crate::proto::signing_service_server::SigningService;
use crate::proto::{
    CertificateChain, GenerateSigningCertRequest, GenerateSigningCertResponse,
    GetTrustedRootRequest, GetTrustedRootResponse,
};

#[tonic::async_trait]
impl SigningService for Service {
    async fn generate_signing_cert(
        &self,
        request: Request<GenerateSigningCertRequest>,
    ) -> Result<Response<GenerateSigningCertResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner().certificate_signing_request;
        if asked.is_empty() {
            let message = "validation error: certificate_signing_request: value length must be at least 1 bytes";
            return Err(Failure::new(Code::InvalidArgument, "", message).into());
        }
        let leaf = format!(
            "a sample, not a certificate; organization {}; request sha256:{}",
            caller.organization.name,
            sha256_hex(&asked)
        );
        Ok(Response::new(GenerateSigningCertResponse {
            chain: Some(CertificateChain {
                certificates: vec![armour(&leaf), root()],
            }),
        }))
    }

    async fn get_trusted_root(
        &self,
        _: Request<GetTrustedRootRequest>,
    ) -> Result<Response<GetTrustedRootResponse>, Status> {
        let chain = CertificateChain {
            certificates: vec![root()],
        };
        Ok(Response::new(GetTrustedRootResponse {
            keys: HashMap::from([("sample".to_owned(), chain)]),
            timestamp_authorities: HashMap::new(),
        }))
    }
}

fn root() -> String {
    armour("a sample, not a certificate; the root")
}

/// PEM in form, with a label that no reader of certificates takes.
fn armour(text: &str) -> String {
    let mut armour = "-----BEGIN SAMPLE CERTIFICATE-----\n".to_owned();
    for line in STANDARD.encode(text).as_bytes().chunks(64) {
        armour.extend(line.iter().copied().map(char::from));
        armour.push('\n');
    }
    armour.push_str("-----END SAMPLE CERTIFICATE-----\n");
    armour
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_look_like_pem_and_say_what_they_are() {
        let root = root();
        let lines: Vec<&str> = root.lines().collect();
        assert_eq!(lines.first(), Some(&"-----BEGIN SAMPLE CERTIFICATE-----"));
        assert_eq!(lines.last(), Some(&"-----END SAMPLE CERTIFICATE-----"));
        assert!(lines.iter().all(|line| line.len() <= 64));
        let text = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        assert_eq!(text, b"a sample, not a certificate; the root");
    }
}
