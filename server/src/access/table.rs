//! A table as a principal may see it: without denied columns, with content columns NULL, with only the rows that meet a
//! condition. It is part of the plan, so nothing a query says gets around it.

use super::{CONTENT_COLUMNS, Grant};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A table behind a grant.
#[derive(Debug)]
pub(super) struct GuardedTable {
    inner: Arc<dyn TableProvider>,
    /// Columns that are there.
    schema: SchemaRef,
    /// Their places in the table behind.
    places: Vec<usize>,
    /// Whether each is NULL.
    masked: Vec<bool>,
    /// What a row must meet, over the table behind.
    condition: Option<Expr>,
}

impl GuardedTable {
    /// The table behind a grant, or itself where the grant takes nothing away. `parse` reads conditions.
    pub fn new(
        inner: Arc<dyn TableProvider>,
        grant: &Grant,
        parse: impl Fn(&str, &DFSchema) -> Result<Expr>,
    ) -> Result<Arc<dyn TableProvider>> {
        let full = inner.schema();
        let is_denied = |name: &str| grant.denied_columns.iter().any(|d| d == name);
        let is_masked = |name: &str| grant.masks_content && CONTENT_COLUMNS.contains(&name);
        let places: Vec<usize> = (0..full.fields().len()).filter(|i| !is_denied(full.field(*i).name())).collect();
        let masked: Vec<bool> = places.iter().map(|i| is_masked(full.field(*i).name())).collect();
        let takes_nothing = places.len() == full.fields().len() && !masked.contains(&true);
        if takes_nothing && grant.conditions.is_empty() {
            return Ok(inner);
        }
        let fields = places.iter().zip(&masked).map(|(i, masked)| match masked {
            true => full.field(*i).clone().with_nullable(true),
            false => full.field(*i).clone(),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let condition = condition(grant, &full, parse)?;
        Ok(Arc::new(Self { inner, schema, places, masked, condition }))
    }
}

fn condition(
    grant: &Grant,
    schema: &SchemaRef,
    parse: impl Fn(&str, &DFSchema) -> Result<Expr>,
) -> Result<Option<Expr>> {
    let schema = DFSchema::try_from(schema.as_ref().clone())?;
    let each = grant.conditions.iter().map(|text| parse(text, &schema)).collect::<Result<Vec<_>>>()?;
    Ok(each.into_iter().reduce(Expr::or))
}

#[async_trait]
impl TableProvider for GuardedTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    /// A filter of the query may be tried on rows before the condition is, and would tell of rows by its errors: with a
    /// condition none is passed on, nor is one over a masked column.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let behind = self.inner.supports_filters_pushdown(filters)?;
        let all = filters.iter().zip(behind).map(|(filter, behind)| {
            let is_plain = self.condition.is_none() && !self.reads_masked(filter);
            match behind {
                TableProviderFilterPushDown::Unsupported => behind,
                _ if is_plain => TableProviderFilterPushDown::Inexact,
                _ => TableProviderFilterPushDown::Unsupported,
            }
        });
        Ok(all.collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.places.len()).collect());
        let read = self.places_to_read(&wanted)?;
        let limit = limit.filter(|_| self.condition.is_none());
        let filters = if self.condition.is_none() { filters } else { &[] };
        let mut plan = self.inner.scan(state, Some(&read), filters, limit).await?;
        if let Some(condition) = &self.condition {
            let schema = DFSchema::try_from(plan.schema().as_ref().clone())?;
            let predicate = state.create_physical_expr(condition.clone(), &schema)?;
            plan = Arc::new(FilterExec::try_new(predicate, plan)?);
        }
        let columns = wanted.iter().map(|i| self.column(*i, &read)).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
    }
}

impl GuardedTable {
    fn reads_masked(&self, filter: &Expr) -> bool {
        let names = filter.column_refs();
        let is_masked = |name: &str| {
            let place = self.schema.fields().iter().position(|f| f.name() == name);
            place.is_none_or(|i| self.masked[i])
        };
        names.iter().any(|column| is_masked(&column.name))
    }

    /// Places in the table behind that are read: columns wanted, unless NULL anyway, and those of the condition.
    fn places_to_read(&self, wanted: &[usize]) -> Result<Vec<usize>> {
        let mut read: BTreeSet<usize> = wanted.iter().filter(|i| !self.masked[**i]).map(|i| self.places[*i]).collect();
        let full = self.inner.schema();
        for column in self.condition.iter().flat_map(Expr::column_refs) {
            read.insert(full.index_of(&column.name)?);
        }
        Ok(read.into_iter().collect())
    }

    fn column(&self, i: usize, read: &[usize]) -> Result<(Arc<dyn PhysicalExpr>, String)> {
        let field = self.schema.field(i);
        if self.masked[i] {
            let null = ScalarValue::try_from(field.data_type())?;
            return Ok((Arc::new(Literal::new(null)), field.name().clone()));
        }
        let place = read.iter().position(|place| *place == self.places[i]);
        let place = place.ok_or_else(|| DataFusionError::Internal("a wanted column is not read".to_owned()))?;
        Ok((Arc::new(Column::new(field.name(), place)), field.name().clone()))
    }
}
