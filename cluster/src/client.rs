//! The client: gives a scheduler a plan, waits for it, and fetches what the executors computed. A job whose client goes
//! away is cancelled.

use crate::codec::Codec;
use crate::error::message_of_task;
use crate::identity::{Identity, Says, brings_work};
use crate::security::{SchedulerUrl, with_certificates};
use crate::{Error, MESSAGE_BYTES_MAX};
use ballista_core::client::BallistaClient;
use ballista_core::extension::{BallistaConfigGrpcEndpoint, SessionConfigHelperExt as _};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, GetJobStatusParams, PartitionLocation,
    RemoveSessionParams, execute_query_result, job_status,
};
use ballista_core::version::insert_version_header;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion_proto::physical_plan::AsExecutionPlan as _;
use datafusion_proto::protobuf::PhysicalPlanNode;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Waits between looks at a job: short at first, since most questions are.
const LOOK_MIN: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(100);
const CONNECT: Duration = Duration::from_secs(5);
/// Time for which a scheduler may not know a job that it was given; longer, and it was started anew.
const UNKNOWN_MAX: Duration = Duration::from_secs(3);
/// Time that a scheduler has to hear that a job's data is not wanted any more.
const CLEANING: Duration = Duration::from_secs(2);
/// Attempts to fetch a part of a result, and the time between them.
const FETCHES: u8 = 3;
const BETWEEN_FETCHES_MS: u64 = 200;

/// A scheduler as it is called by us: every call says who calls.
pub(crate) type SchedulerClient = SchedulerGrpcClient<InterceptedService<Channel, Says>>;

/// Connects to a scheduler.
pub(crate) async fn connected(scheduler: &SchedulerUrl, identity: &Identity) -> Result<SchedulerClient, Error> {
    let unreachable =
        |e: &dyn std::error::Error| Error::Unreachable { url: scheduler.as_str().to_owned(), problem: innermost(e) };
    let endpoint = Endpoint::from_shared(scheduler.as_str().to_owned()).map_err(|e| unreachable(&e))?;
    let mut endpoint = endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_while_idle(true);
    if let Some(tls) = &scheduler.tls {
        endpoint = with_certificates(tls)(endpoint).map_err(|e| unreachable(&*e))?;
    }
    let channel = endpoint.connect().await.map_err(|e| unreachable(&e))?;
    Ok(SchedulerGrpcClient::with_interceptor(channel, Says(identity.clone()))
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
        .max_decoding_message_size(MESSAGE_BYTES_MAX))
}

/// The error that others were made of.
fn innermost(mut e: &dyn std::error::Error) -> String {
    while let Some(source) = e.source() {
        e = source;
    }
    e.to_string()
}

/// A cluster that can be given work.
#[derive(Debug, Clone)]
pub struct Cluster {
    scheduler: SchedulerUrl,
    pub(crate) identity: Identity,
}

impl Cluster {
    /// A cluster by its scheduler.
    pub fn new(scheduler: SchedulerUrl, identity: Identity) -> Self {
        Self { scheduler, identity }
    }

    /// The scheduler's URL.
    pub fn url(&self) -> &str {
        self.scheduler.as_str()
    }

    /// A plan as it travels.
    ///
    /// # Errors
    /// [`Error::Plan`] where it has a step that cannot be written down.
    pub(crate) fn write(plan: Arc<dyn ExecutionPlan>, codec: &Codec) -> Result<Vec<u8>, Error> {
        let node = PhysicalPlanNode::try_from_physical_plan(plan, codec)?;
        let mut bytes = Vec::new();
        node.try_encode(&mut bytes)?;
        Ok(bytes)
    }

    /// Gives the cluster a plan.
    pub(crate) async fn submit(&self, plan: Vec<u8>, config: &SessionConfig) -> Result<Job, Error> {
        if plan.len() >= MESSAGE_BYTES_MAX {
            return Err(Error::Failed(format!(
                "the plan has {} MB, and {} MB is the most that travels; narrow what lineage functions answer, or ask \
                 without `--cluster`",
                plan.len() >> 20,
                MESSAGE_BYTES_MAX >> 20
            )));
        }
        let mut scheduler = connected(&self.scheduler, &self.identity).await?;
        let session_id = uuid::Uuid::new_v4().to_string();
        // The times of the session are in the plan; its other settings of ours mean nothing elsewhere.
        let settings = config.to_key_value_pairs().into_iter().filter(|pair| !pair.key.starts_with("lineward."));
        let mut request = Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(plan)),
            settings: settings.collect(),
            session_id: session_id.clone(),
            operation_id: uuid::Uuid::new_v4().to_string(),
        });
        insert_version_header(request.metadata_mut());
        brings_work(request.metadata_mut());
        let answer = scheduler.execute_query(request).await.map_err(|status| self.refused(&status))?;
        match answer.into_inner().result {
            Some(execute_query_result::Result::Success(begun)) => {
                let scheduler_url = self.scheduler.clone();
                Ok(Job {
                    id: begun.job_id,
                    session_id,
                    scheduler,
                    scheduler_url,
                    ended: false,
                    cleaned: AtomicBool::new(false),
                })
            }
            Some(execute_query_result::Result::Failure(failure)) => {
                Err(Error::Failed(message_of_task(&format!("{failure:?}"))))
            }
            None => Err(Error::Failed("the scheduler did not say what became of the plan".to_owned())),
        }
    }

    fn refused(&self, status: &Status) -> Error {
        refused(self.scheduler.as_str(), status)
    }
}

fn refused(url: &str, status: &Status) -> Error {
    let unreachable = |problem| Error::Unreachable { url: url.to_owned(), problem };
    // A status with a cause was made on this side: the connection broke. With TLS 1.3 that is how a scheduler says that it
    // does not take our certificate, whatever was under way by then.
    if let Some(cause) = status.source() {
        return unreachable(innermost(cause));
    }
    match status.code() {
        tonic::Code::FailedPrecondition => Error::Refused(status.message().to_owned()),
        tonic::Code::Unavailable if status.message().starts_with("no executor") => {
            Error::Refused(status.message().to_owned())
        }
        tonic::Code::Unavailable | tonic::Code::Unknown | tonic::Code::Unimplemented | tonic::Code::Cancelled => {
            unreachable(status.message().to_owned())
        }
        _ => Error::Failed(message_of_task(status.message())),
    }
}

/// A plan that is being computed. Dropping it cancels it or has what it computed removed, and lets go of the session that
/// the scheduler made for it.
pub(crate) struct Job {
    id: String,
    session_id: String,
    scheduler: SchedulerClient,
    scheduler_url: SchedulerUrl,
    ended: bool,
    /// What was computed need not be kept any more, and the scheduler was told.
    cleaned: AtomicBool,
}

impl Job {
    /// Waits for its end; gives where the partitions of the result are, in their order.
    pub async fn done(&mut self) -> Result<Vec<PartitionLocation>, Error> {
        let mut pause = LOOK_MIN;
        let mut unknown_since = None;
        loop {
            let asked = self.scheduler.get_job_status(GetJobStatusParams { job_id: self.id.clone() }).await;
            let status = asked.map_err(|status| refused(self.scheduler_url.as_str(), &status))?.into_inner().status;
            match status.and_then(|status| status.status) {
                Some(job_status::Status::Successful(done)) => {
                    self.ended = true;
                    let mut locations = done.partition_location;
                    locations.sort_by_key(|l| l.partition_id.as_ref().map(|id| id.partition_id));
                    return Ok(locations);
                }
                Some(job_status::Status::Failed(failed)) => {
                    self.ended = true;
                    return Err(Error::Failed(message_of_task(&failed.error)));
                }
                Some(job_status::Status::Queued(_) | job_status::Status::Running(_)) => unknown_since = None,
                None => {
                    if unknown_since.get_or_insert_with(Instant::now).elapsed() > UNKNOWN_MAX {
                        self.ended = true;
                        let problem = "the scheduler no longer knows this work: it was started anew; ask again";
                        return Err(Error::Failed(problem.to_owned()));
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_MAX);
        }
    }

    /// Has the executors remove what they computed, once all of it is here. Where the scheduler does not hear of it they
    /// do so later.
    pub async fn clean(&self) {
        if !self.cleaned.swap(true, Ordering::Relaxed) {
            let mut scheduler = self.scheduler.clone();
            drop(tokio::time::timeout(CLEANING, scheduler.clean_job_data(self.cleaning())).await);
        }
    }

    fn cleaning(&self) -> CleanJobDataParams {
        // No stages: all of them.
        CleanJobDataParams { job_id: self.id.clone(), remove_stage_ids: Vec::new() }
    }

    /// Fetches a partition of the result from where it is.
    pub async fn fetch(&self, location: &PartitionLocation) -> Result<SendableRecordBatchStream, Error> {
        let (Some(executor), Some(partition)) = (&location.executor_meta, &location.partition_id) else {
            return Err(Error::Failed("the scheduler did not say where a result is".to_owned()));
        };
        let executor_name = format!("{}:{}", executor.host, executor.port);
        let lost =
            |e: ballista_core::error::BallistaError| Error::Lost { executor: executor_name.clone(), problem: why(&e) };
        let port = u16::try_from(executor.port).unwrap_or_default();
        let tls = self.scheduler_url.tls.as_ref();
        let certificates = tls.map(|tls| Arc::new(BallistaConfigGrpcEndpoint::new(with_certificates(tls))));
        let client = BallistaClient::try_new(
            &executor.host,
            port,
            MESSAGE_BYTES_MAX,
            tls.is_some(),
            certificates,
            FETCHES,
            BETWEEN_FETCHES_MS,
            0,
            0,
        );
        let partition = partition.clone().into();
        let mut client = client.await.map_err(lost)?;
        client.fetch_partition(&executor.id, &partition, location.file_id, location.layout(), true).await.map_err(lost)
    }
}

/// What a failed fetch was, without the plans and addresses that the library writes around it.
fn why(e: &ballista_core::error::BallistaError) -> String {
    use ballista_core::error::BallistaError;
    match e {
        BallistaError::GrpcConnectionError(_) => "it cannot be reached".to_owned(),
        _ => "it does not hand it out".to_owned(),
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut scheduler = self.scheduler.clone();
        let cleaning = (!*self.cleaned.get_mut()).then(|| self.cleaning());
        let (job_id, session_id) = (std::mem::take(&mut self.id), std::mem::take(&mut self.session_id));
        let is_running = !self.ended;
        runtime.spawn(async move {
            // Whether the scheduler hears of it or not, nobody waits for the job any more.
            if is_running {
                drop(scheduler.cancel_job(CancelJobParams { job_id }).await);
            } else if let Some(cleaning) = cleaning {
                drop(scheduler.clean_job_data(cleaning).await);
            }
            drop(scheduler.remove_session(RemoveSessionParams { session_id }).await);
        });
    }
}

#[cfg(test)]
impl Cluster {
    /// A job that the scheduler was never given, as after it was started anew.
    pub(crate) async fn unknown_job(&self) -> Result<Job, Error> {
        Ok(Job {
            id: "unknown".to_owned(),
            session_id: String::new(),
            scheduler: connected(&self.scheduler, &self.identity).await?,
            scheduler_url: self.scheduler.clone(),
            ended: false,
            cleaned: AtomicBool::new(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_breaks_is_a_scheduler_that_does_not_answer() {
        let mut status = Status::internal("h2 protocol error: http2 error");
        assert!(matches!(refused("https://s:1", &status), Error::Failed(_)));
        status.set_source(Arc::new(std::io::Error::other("certificate required")));
        let error = refused("https://s:1", &status).to_string();
        assert!(error.starts_with("no scheduler answers at https://s:1: certificate required"), "{error}");
    }
}
