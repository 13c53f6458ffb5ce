//! The life of an instance: its creation, how many requests it serves, and when it is dropped. The
//! loop that gives it requests is Wasmtime's
//! [`ProxyHandler`](wasmtime_wasi_http::handler::ProxyHandler).

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

use super::component::ComponentSettings;
use super::instance_count::{CountedInstance, InstanceCount};
use super::memory::MemorySize;
use super::state::InstanceState;
use crate::admission::in_flight::{InFlight, InFlightSet};

/// The time after which a request counts as long-running and frees its permit for others.
const LONG_RUNNING_AFTER: Duration = Duration::from_millis(250);

/// How long a guest may go on after its client has disconnected. Most requests are finished by
/// then, and their instance and database connection can be reused.
const DISCONNECT_GRACE_PERIOD: Duration = Duration::from_secs(1);

/// How many requests an instance serves in all. Spin's default is 128. Creating an instance blocks
/// its thread for as long as several requests take, which was visible in every hundredth response.
const MAX_REQUESTS: usize = 1024;

/// How many requests an instance serves at a time, as in Spin.
const MAX_CONCURRENT_REQUESTS: usize = 16;

/// How long an instance waits for its next request, as in Spin.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Wasmtime's reason for an instance whose task was dropped, by a panic or with the task's runtime.
const TASK_DROPPED: &str = "worker panicked";

/// Creates the instances of one component.
pub(crate) struct InstanceFactory {
    engine: Engine,
    component: Arc<ComponentSettings>,
    pre: ProxyPre<InstanceState>,
    max_concurrent_requests: usize,
    count: InstanceCount,
}

impl InstanceFactory {
    /// Creates the factory of a component that is linked.
    ///
    /// # Errors
    ///
    /// The component exports no handler for HTTP requests.
    pub(crate) fn new(
        engine: &Engine,
        component: Arc<ComponentSettings>,
        pre: InstancePre<InstanceState>,
    ) -> wasmtime::Result<Self> {
        // A service computes rather than waits, so that concurrent requests would only delay one
        // another.
        let max_concurrent_requests = if component.is_service() {
            1
        } else {
            MAX_CONCURRENT_REQUESTS
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
            count: InstanceCount::new(Arc::clone(&component.id)),
            component,
            pre,
            max_concurrent_requests,
        })
    }
}

impl HandlerState for InstanceFactory {
    type StoreData = InstanceState;
    type WorkerExpiration = InstanceExpiration;
    type WorkerState = RequestPolicy;

    async fn instantiate(
        &self,
    ) -> wasmtime::Result<Instance<InstanceState, InstanceExpiration, RequestPolicy>> {
        let mut store = InstanceState::new_store(&self.engine, &self.component);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        let requests = Arc::new(InstanceRequests::default());
        let memory_size = store.data().memory.size();
        Ok(Instance {
            store,
            proxy,
            view: InstanceState::http,
            expiration: InstanceExpiration {
                requests: Arc::clone(&requests),
                timer: Box::pin(tokio::time::sleep(IDLE_TIMEOUT)),
            },
            state: RequestPolicy {
                component: Arc::clone(&self.component.id),
                is_reusable: matches!(self.pre, ProxyPre::P3(_)),
                max_concurrent_requests: self.max_concurrent_requests,
                memory_size,
                requests,
                _counted: self.count.add(),
            },
        })
    }
}

/// The requests of an instance, which [`RequestPolicy`] and [`InstanceExpiration`] share.
#[derive(Default)]
struct InstanceRequests {
    in_flight: Mutex<InFlightSet>,
    /// A guest task goes on although its client has disconnected or its time is over.
    has_abandoned_task: AtomicBool,
}

impl InstanceRequests {
    fn in_flight(&self) -> MutexGuard<'_, InFlightSet> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn has_abandoned_task(&self) -> bool {
        self.has_abandoned_task.load(Ordering::Relaxed)
    }

    /// Returns whether the instance has nothing left but abandoned tasks.
    fn are_all_abandoned(&self) -> bool {
        self.has_abandoned_task() && self.in_flight().is_empty()
    }
}

/// Decides which requests an instance accepts, and enforces their timeouts.
pub(crate) struct RequestPolicy {
    component: Arc<str>,
    /// A component of WASI 0.2 serves only one request.
    is_reusable: bool,
    max_concurrent_requests: usize,
    memory_size: MemorySize,
    requests: Arc<InstanceRequests>,
    _counted: CountedInstance,
}

impl WorkerState for RequestPolicy {
    type StoreData = InstanceState;
    type RequestData = Arc<InFlight>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        let (max_concurrent, max_total) = if self.is_reusable {
            (self.max_concurrent_requests, MAX_REQUESTS)
        } else {
            (1, 1)
        };
        if total >= max_total || self.memory_size.is_too_large_to_reuse() {
            ShouldAccept::Never
        } else if concurrent >= max_concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        request: Arc<InFlight>,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        self.requests.in_flight().add(&request);
        store.data_mut().traced_requests.add(task, &request);
        let requests = Arc::clone(&self.requests);
        // The request's time must start before the instance's, so that the client is told that the
        // request timed out.
        let start = tokio::time::Instant::now();
        Box::pin(async move {
            let disconnected = async {
                request.client_disconnected().await;
                tokio::time::sleep(DISCONNECT_GRACE_PERIOD).await;
            };
            let timed_out = async {
                tokio::time::sleep_until(start + LONG_RUNNING_AFTER).await;
                // If no such permit is free, the request keeps the one it has.
                let _ = request.mark_long_running();
                tokio::time::sleep_until(start + request.timeout()).await;
            };
            tokio::select! {
                () = disconnected => {}
                () = timed_out => {}
            }
            requests.has_abandoned_task.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, _: Store<InstanceState>, result: Result<(), wasmtime::Error>) {
        let Err(error) = result else {
            return;
        };
        if self.requests.has_abandoned_task() {
            tracing::debug!(
                component = &*self.component,
                "an instance was stopped together with an abandoned request"
            );
        } else if error.to_string() == TASK_DROPPED && !std::thread::panicking() {
            tracing::debug!(
                component = &*self.component,
                "an instance was dropped together with its serving thread"
            );
        } else {
            // The whole error has many lines of addresses in the guest.
            tracing::error!(
                component = &*self.component,
                "an instance failed: {}",
                error.root_cause()
            );
            tracing::debug!(component = &*self.component, "{error:?}");
        }
    }
}

/// Drops an instance that is idle, or whose requests take too long.
pub(crate) struct InstanceExpiration {
    requests: Arc<InstanceRequests>,
    timer: Pin<Box<Sleep>>,
}

impl WorkerExpiration for InstanceExpiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let now = Instant::now();
        let mut deadline = start
            + if status == WorkerStatus::Idle {
                IDLE_TIMEOUT
            } else {
                self.requests.in_flight().max_timeout()
            };
        if status == WorkerStatus::PostReturn {
            if self.requests.are_all_abandoned() {
                return Poll::Ready(());
            }
            if self.requests.has_abandoned_task() {
                // A client still reads a response of this instance: check again later.
                deadline = deadline.min(now + DISCONNECT_GRACE_PERIOD);
            }
        }
        // The deadline moves with each request. Resetting the timer only when it fires is much
        // rarer.
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
