//! The connections of a server: accepted until it stops, and bounded in number.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long nothing is accepted after that has failed: too many open files, mostly, and it passes.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves each connection until `stop`, at most `most` at once; further ones wait to be accepted. Gives back
/// those that are still open: dropping them ends them.
pub async fn until<S: Future<Output = ()> + Send + 'static>(
    stop: impl Future<Output = ()>,
    listener: TcpListener,
    most: usize,
    serve: impl Fn(TcpStream) -> S,
) -> JoinSet<()> {
    let mut open = JoinSet::new();
    let places = Arc::new(Semaphore::new(most));
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = &mut stop => return open,
            accepted = accepted => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let served = serve(stream);
        open.spawn(async move {
            let _place = place;
            served.await;
        });
        while open.try_join_next().is_some() {}
    }
}
