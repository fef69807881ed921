//! Skeleton: replaced by the gateway.
use worker::*;

#[event(fetch)]
async fn fetch(req: web_sys::Request, env: Env, _ctx: Context) -> Result<web_sys::Response> {
    let db = env.d1("DB")?;
    let row: Option<serde_json::Value> = db.prepare("select 1 as one").first(None).await?;
    Ok(web_sys::Response::new_with_opt_str(Some(&format!("{} {row:?}", req.url()))).map_err(|e| Error::from(e))?)
}

#[durable_object(fetch)]
pub struct Ledger { #[allow(dead_code)] state: State }
impl DurableObject for Ledger {
    fn new(state: State, _env: Env) -> Self { Self { state } }
    async fn fetch(&self, _req: Request) -> Result<Response> { Response::ok("ledger") }
}

#[durable_object(fetch)]
pub struct MintLimiter { #[allow(dead_code)] state: State }
impl DurableObject for MintLimiter {
    fn new(state: State, _env: Env) -> Self { Self { state } }
    async fn fetch(&self, _req: Request) -> Result<Response> { Response::ok("limiter") }
}
