//! Arrow Flight SQL: what ADBC, JDBC and ODBC drivers of Flight ask. Statements are planned for their columns first and
//! run when their rows are fetched; prepared statements are kept for a while, with the values bound to them.

mod catalogue;
mod prepared;

use crate::net::Peer;
use crate::service::{Answer, Client, Service};
use crate::{Error, times};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightServiceServer;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    Any, CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys,
    CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, CommandPreparedStatementQuery, CommandStatementQuery, DoPutPreparedStatementResult,
    ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage, SchemaAsIpc,
    Ticket,
};
use arrow_ipc::writer::IpcWriteOptions;
use datafusion::common::ScalarValue;
use futures::{Stream, TryStreamExt as _, stream};
use prepared::{Prepared, Statements};
use prost::Message as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

type Rows = Pin<Box<dyn Stream<Item = Result<arrow_flight::FlightData, Status>> + Send>>;

/// Serves until told to stop.
pub(crate) async fn serve(
    accepted: crate::net::Accepted,
    service: Arc<Service>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let flight = Flight { service, statements: Statements::default() };
    let server = tonic::transport::Server::builder().add_service(FlightServiceServer::new(flight));
    if let Err(e) = server.serve_with_incoming_shutdown(accepted.stream(), stop).await {
        tracing::error!(error = %e, "Flight SQL stopped");
    }
}

/// The service.
struct Flight {
    service: Arc<Service>,
    statements: Statements,
}

impl Flight {
    async fn client<T>(&self, request: &Request<T>) -> Result<Client, Status> {
        let Some(peer) = request.extensions().get::<Peer>().cloned() else {
            return Err(Status::unauthenticated("the connection is not known"));
        };
        let address = peer.address.to_string();
        match self.principal(request, &peer).await {
            Ok(principal) => {
                peer.let_in();
                let headers = request.metadata().clone().into_headers();
                let settings = times::of_headers(&headers).map_err(|e| status(&e))?;
                Ok(Client { principal: Arc::new(principal), via: "flight", address, settings })
            }
            Err(error) => {
                self.service.refuse_stranger("flight", &address, &error).map_err(|e| status(&e))?;
                Err(status(&error))
            }
        }
    }

    async fn principal<T>(&self, request: &Request<T>, peer: &Peer) -> Result<crate::auth::Principal, Error> {
        let auth = &self.service.auth;
        let header = request.metadata().get("authorization").and_then(|v| v.to_str().ok());
        if let Some(token) = header.and_then(crate::http::token_of)
            && auth.required()
        {
            return auth.token(&token).await;
        }
        match peer.certificate.as_deref().and_then(|name| auth.certificate(name)) {
            Some(known) => known,
            None => auth.local(peer.address.ip()),
        }
    }

    /// The columns of a statement.
    async fn columns(&self, client: &Client, sql: &str) -> Result<(SchemaRef, SchemaRef), Status> {
        let columns = async {
            let session = self.service.session(client, false).await?;
            let planning = prepared::describe(&session, sql);
            self.service.planned(client, sql, planning).await
        };
        columns.await.map_err(|e: Error| status(&e))
    }

    async fn ask(&self, client: &Client, sql: &str, values: Vec<ScalarValue>) -> Result<Response<Rows>, Status> {
        let answer = self.service.ask(client, sql, values).await.map_err(|e| status(&e))?;
        Ok(Response::new(rows(answer)))
    }
}

/// An error as gRPC tells it, with its SQLSTATE in front.
fn status(error: &Error) -> Status {
    let text = format!("[{}] {error}", error.sql_state());
    match error.sql_state() {
        "28P01" => Status::unauthenticated(text),
        "42501" | "25006" => Status::permission_denied(text),
        "42704" | "42P01" | "42703" => Status::not_found(text),
        "53300" | "53200" | "54000" => Status::resource_exhausted(text),
        "57014" => Status::deadline_exceeded(text),
        "0A000" => Status::unimplemented(text),
        state if state.starts_with("XX") || state.starts_with("58") => Status::internal(text),
        _ => Status::invalid_argument(text),
    }
}

fn rows(answer: Answer) -> Rows {
    let schema = answer.schema();
    let batches = answer.map_err(|e| FlightError::Tonic(Box::new(status(&e))));
    encoded(schema, batches)
}

fn encoded(schema: SchemaRef, batches: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static) -> Rows {
    let data = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Box::pin(data.map_err(|e| match e {
        FlightError::Tonic(status) => *status,
        _ => Status::internal("[XX000] an answer cannot be sent"),
    }))
}

fn one_batch(batch: Result<RecordBatch, arrow_flight::error::FlightError>) -> Result<Response<Rows>, Status> {
    let batch = batch.map_err(|_| Status::internal("[XX000] a catalogue cannot be made"))?;
    Ok(Response::new(encoded(batch.schema(), stream::iter([Ok(batch)]))))
}

fn info(request: Request<FlightDescriptor>, ticket: Vec<u8>, schema: &Schema) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = FlightInfo::new()
        .try_with_schema(schema)
        .map_err(|_| Status::internal("[XX000] columns cannot be described"))?
        .with_endpoint(endpoint)
        .with_descriptor(request.into_inner());
    Ok(Response::new(info))
}

fn schema_bytes(schema: &Schema) -> Result<bytes::Bytes, Status> {
    let options = IpcWriteOptions::default();
    let message: IpcMessage = SchemaAsIpc::new(schema, &options)
        .try_into()
        .map_err(|_| Status::internal("[XX000] columns cannot be described"))?;
    Ok(message.0)
}

/// A request for a list of what does not exist here, as keys: the right columns, no rows.
fn nothing<T: ProstMessageExt>(
    request: Request<FlightDescriptor>,
    query: &T,
    schema: &Schema,
) -> Result<Response<FlightInfo>, Status> {
    info(request, query.as_any().encode_to_vec(), schema)
}

#[tonic::async_trait]
impl FlightSqlService for Flight {
    type FlightService = Flight;

    /// The token as a password; it is the bearer token from then on.
    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        self.client(&request).await?;
        let header = request.metadata().get("authorization").and_then(|v| v.to_str().ok());
        let token = header.and_then(crate::http::token_of).unwrap_or_else(|| "local".to_owned());
        let answer = HandshakeResponse { protocol_version: 0, payload: token.clone().into() };
        let mut response: Response<Pin<Box<dyn Stream<Item = _> + Send>>> =
            Response::new(Box::pin(stream::iter([Ok(answer)])));
        let bearer = format!("Bearer {token}").parse();
        response.metadata_mut().insert("authorization", bearer.map_err(|_| Status::invalid_argument("no token"))?);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let client = self.client(&request).await?;
        let (columns, _) = self.columns(&client, &query.query).await?;
        let ticket = TicketStatementQuery { statement_handle: query.query.into() };
        info(request, ticket.as_any().encode_to_vec(), &columns)
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        let client = self.client(&request).await?;
        let sql = std::str::from_utf8(&ticket.statement_handle).map_err(|_| Status::invalid_argument("no ticket"))?;
        self.ask(&client, sql, Vec::new()).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let client = self.client(&request).await?;
        let (columns, parameters) = self.columns(&client, &query.query).await?;
        let handle = self.statements.keep(&client, query.query).map_err(|e| status(&e))?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle.into(),
            dataset_schema: schema_bytes(&columns)?,
            parameter_schema: schema_bytes(&parameters)?,
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        let client = self.client(&request).await?;
        self.statements.forget(&client, &query.prepared_statement_handle);
        Ok(())
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let client = self.client(&request).await?;
        let Prepared { sql, .. } =
            self.statements.find(&client, &query.prepared_statement_handle).map_err(|e| status(&e))?;
        let (columns, _) = self.columns(&client, &sql).await?;
        nothing(request, &query, &columns)
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        let client = self.client(&request).await?;
        let Prepared { sql, values } =
            self.statements.find(&client, &query.prepared_statement_handle).map_err(|e| status(&e))?;
        self.ask(&client, &sql, values).await
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let client = self.client(&request).await?;
        let values = prepared::bound(request.into_inner()).await.map_err(|e| status(&e))?;
        self.statements.bind(&client, &query.prepared_statement_handle, values).map_err(|e| status(&e))?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(query.prepared_statement_handle) })
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        nothing(request, &query, &query.into_builder().schema())
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        let mut builder = query.into_builder();
        builder.append(crate::access::CATALOG);
        one_batch(builder.build())
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = query.clone().into_builder().schema();
        nothing(request, &query, &schema)
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        let client = self.client(&request).await?;
        let session = self.service.session(&client, false).await.map_err(|e| status(&e))?;
        one_batch(catalogue::schemas(&session, query))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = query.clone().into_builder().schema();
        nothing(request, &query, &schema)
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Result<Response<Rows>, Status> {
        let client = self.client(&request).await?;
        let session = self.service.session(&client, false).await.map_err(|e| status(&e))?;
        one_batch(catalogue::tables(&session, query).await)
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        nothing(request, &query, &query.into_builder().schema())
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        let mut builder = query.into_builder();
        for kind in catalogue::TABLE_TYPES {
            builder.append(kind);
        }
        one_batch(builder.build())
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = query.clone().into_builder(catalogue::sql_info()).schema();
        nothing(request, &query, &schema)
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        one_batch(query.into_builder(catalogue::sql_info()).build())
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = query.into_builder(catalogue::xdbc()).schema();
        nothing(request, &query, &schema)
    }

    async fn do_get_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        one_batch(query.into_builder(catalogue::xdbc()).build())
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        nothing(request, &query, &catalogue::primary_keys())
    }

    async fn do_get_primary_keys(
        &self,
        _: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        one_batch(Ok(RecordBatch::new_empty(Arc::new(catalogue::primary_keys()))))
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        nothing(request, &query, &catalogue::foreign_keys())
    }

    async fn do_get_exported_keys(
        &self,
        _: CommandGetExportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        one_batch(Ok(RecordBatch::new_empty(Arc::new(catalogue::foreign_keys()))))
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        nothing(request, &query, &catalogue::foreign_keys())
    }

    async fn do_get_imported_keys(
        &self,
        _: CommandGetImportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        one_batch(Ok(RecordBatch::new_empty(Arc::new(catalogue::foreign_keys()))))
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        nothing(request, &query, &catalogue::foreign_keys())
    }

    async fn do_get_cross_reference(
        &self,
        _: CommandGetCrossReference,
        request: Request<Ticket>,
    ) -> Result<Response<Rows>, Status> {
        self.client(&request).await?;
        one_batch(Ok(RecordBatch::new_empty(Arc::new(catalogue::foreign_keys()))))
    }

    async fn do_get_fallback(&self, _: Request<Ticket>, message: Any) -> Result<Response<Rows>, Status> {
        Err(Status::unimplemented(format!("[0A000] `{}` is not served", message.type_url)))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_code_of_grpc_and_of_sql() {
        for (error, code) in [
            (Error::Denied("no".into()), tonic::Code::PermissionDenied),
            (Error::Unauthenticated("no".into()), tonic::Code::Unauthenticated),
            (Error::Busy("no".into()), tonic::Code::ResourceExhausted),
            (Error::Cancelled, tonic::Code::DeadlineExceeded),
        ] {
            let status = status(&error);
            assert_eq!(status.code(), code);
            assert!(status.message().starts_with(&format!("[{}]", error.sql_state())), "{status}");
        }
    }
}
