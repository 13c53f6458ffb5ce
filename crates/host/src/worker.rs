//! Instances at work: how many requests one serves, for how long, and when it is let go. The loop
//! itself is Wasmtime's own [`ProxyHandler`](wasmtime_wasi_http::handler::ProxyHandler).

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, InstancePre};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{p2, p3};

use crate::component::{Component, State};
use crate::exchange::{Exchange, Exchanges};
use crate::memory::Size;

/// How long a request may take, from its first byte to the response's head, and from there to the
/// response's end.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a request is one like any other; one that takes longer leaves its room to others.
const SHORT: Duration = Duration::from_millis(250);

/// How long a guest may go on after its client has hung up. Most requests are over by then, and
/// their instance and their connection to the database are as good as before.
const GRACE: Duration = Duration::from_secs(1);

/// Requests that one instance serves in all. Spin's default is 128; a new instance holds up its
/// thread for as long as several requests take, which was seen in every hundredth answer.
const MOST_REQUESTS: usize = 1024;
/// Requests that one instance serves at a time, as in Spin.
const MOST_CONCURRENT: usize = 16;
/// How long an instance waits for its next request, as in Spin.
const IDLE: Duration = Duration::from_secs(1);

/// Makes the instances of one component.
pub(crate) struct Instances {
    engine: Engine,
    component: Arc<Component>,
    pre: ProxyPre<State>,
    concurrent: usize,
}

impl Instances {
    pub(crate) fn new(
        engine: &Engine,
        component: Arc<Component>,
        pre: InstancePre<State>,
    ) -> wasmtime::Result<Self> {
        // A question to a service is computed rather than waited for: two in one instance would wait for one another.
        let concurrent = if component.is_service() {
            1
        } else {
            MOST_CONCURRENT
        };
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(service) => ProxyPre::P3(service),
            Err(error) => match p2::bindings::ProxyPre::new(pre) {
                Ok(proxy) => ProxyPre::P2(proxy),
                Err(_) => return Err(error),
            },
        };
        Ok(Self {
            engine: engine.clone(),
            component,
            pre,
            concurrent,
        })
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let mut store = State::store(&self.engine, &self.component);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        let shared = Arc::new(Shared::default());
        let memory = store.data().memory.size();
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Expiration {
                shared: Arc::clone(&shared),
                timer: Box::pin(tokio::time::sleep(IDLE)),
            },
            state: Worker {
                component: Arc::clone(&self.component.id),
                reusable: matches!(self.pre, ProxyPre::P3(_)),
                concurrent: self.concurrent,
                memory,
                shared,
            },
        })
    }
}

/// What the two halves of an instance's supervision tell each other.
#[derive(Default)]
struct Shared {
    exchanges: Mutex<Exchanges>,
    /// A guest task goes on although nobody waits for it any more.
    abandoned: AtomicBool,
}

impl Shared {
    fn exchanges(&self) -> std::sync::MutexGuard<'_, Exchanges> {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all that is left of the instance is work that nobody waits for.
    fn is_useless(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) && self.exchanges().are_over()
    }
}

/// What one instance accepts.
pub(crate) struct Worker {
    component: Arc<str>,
    /// A component of WASI 0.2 serves one request.
    reusable: bool,
    /// Requests that it serves at a time.
    concurrent: usize,
    memory: Size,
    shared: Arc<Shared>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Arc<Exchange>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        let (most_concurrent, most) = if self.reusable {
            (self.concurrent, MOST_REQUESTS)
        } else {
            (1, 1)
        };
        if total >= most || self.memory.is_swollen() {
            ShouldAccept::Never
        } else if concurrent >= most_concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, State>,
        exchange: Arc<Exchange>,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.shared.exchanges().add(&exchange);
        let shared = Arc::clone(&self.shared);
        // Before the instance's own time begins to run, so that the client is told that it was too long.
        let begun = tokio::time::Instant::now();
        Box::pin(async move {
            let hung_up = async {
                exchange.client_gone().await;
                tokio::time::sleep(GRACE).await;
            };
            let late = async {
                tokio::time::sleep_until(begun + SHORT).await;
                // Without such a room it stays where it is.
                let _ = exchange.make_way();
                tokio::time::sleep_until(begun + exchange.patience()).await;
            };
            tokio::select! {
                () = hung_up => {}
                () = late => {}
            }
            shared.abandoned.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, _: Store<State>, result: Result<(), wasmtime::Error>) {
        let Err(error) = result else {
            return;
        };
        if self.shared.abandoned.load(Ordering::Relaxed) {
            tracing::debug!(
                "{}: an instance was stopped with its request",
                self.component
            );
        } else {
            // The error itself is many lines of addresses in the guest.
            tracing::error!(
                "{}: an instance was stopped: {}",
                self.component,
                error.root_cause()
            );
            tracing::debug!("{}: {error:?}", self.component);
        }
    }
}

/// When an instance is let go for having done nothing, or the same thing, for too long.
pub(crate) struct Expiration {
    shared: Arc<Shared>,
    timer: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let now = Instant::now();
        let mut deadline = start
            + if status == WorkerStatus::Idle {
                IDLE
            } else {
                self.shared.exchanges().patience()
            };
        if status == WorkerStatus::PostReturn {
            if self.shared.is_useless() {
                return Poll::Ready(());
            }
            if self.shared.abandoned.load(Ordering::Relaxed) {
                // Somebody still reads a response of this instance: look again later.
                deadline = deadline.min(now + GRACE);
            }
        }
        // The deadline moves on with each request. The timer follows only when it runs out, which
        // is much rarer.
        let timer = &mut self.timer;
        if deadline < timer.deadline().into_std() {
            timer.as_mut().reset(deadline.into());
        }
        while timer.as_mut().poll(context).is_ready() {
            if now >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline.into());
        }
        Poll::Pending
    }
}
