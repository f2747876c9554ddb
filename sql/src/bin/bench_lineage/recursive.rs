//! The same questions as a recursive query of DataFusion itself, over the hops in memory: what Lineward's functions save who
//! has the engine already.

use arrow::array::AsArray as _;
use arrow::datatypes::Int32Type;
use datafusion::datasource::MemTable;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// The hops as a table.
pub struct Recursive {
    context: SessionContext,
}

impl Recursive {
    pub async fn read(place: &Path) -> Result<Self, Box<dyn Error>> {
        let threads = std::thread::available_parallelism()?.get();
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(threads));
        let place = place.to_str().ok_or("a path that is not UTF-8")?;
        context.register_parquet("file", place, ParquetReadOptions::default()).await?;
        let hops = context.sql("SELECT src::int AS src, dst::int AS dst, valid_from, valid_to FROM file").await?;
        let schema = Arc::new(hops.schema().as_arrow().clone());
        let table = MemTable::try_new(schema, hops.collect_partitioned().await?)?;
        context.register_table("hops", Arc::new(table))?;
        Ok(Self { context })
    }

    /// Nodes reached from the seeds by hops that hold at a time, with the seeds.
    pub async fn walk(&self, up: bool, seeds: &[u32], at: i64) -> Result<Vec<i64>, Box<dyn Error>> {
        let (here, there) = if up { ("dst", "src") } else { ("src", "dst") };
        let seeds: Vec<String> = seeds.iter().map(|seed| format!("({seed}::int)")).collect();
        let query = format!(
            "WITH RECURSIVE r AS (SELECT column1 AS v FROM (VALUES {}) UNION SELECT {there} AS v FROM r JOIN hops ON \
             {here} = r.v WHERE valid_from <= {at} AND valid_to > {at}) SELECT v FROM r",
            seeds.join(", ")
        );
        let mut found = Vec::new();
        for batch in self.context.sql(&query).await?.collect().await? {
            found.extend(batch.column(0).as_primitive::<Int32Type>().values().iter().map(|node| i64::from(*node)));
        }
        Ok(found)
    }
}
