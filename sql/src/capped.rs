//! Functions of a few bytes of SQL whose answer may be of any size, held to one that a process can keep. They make their
//! answer in one piece that no share of memory is asked for, and a process that gets no memory ends.

mod literals;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, IntervalMonthDayNanoArray, UInt64Array};
use arrow::compute::kernels::length::length;
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{
    DataType, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Most bytes that such a function makes of one batch of rows.
const MOST_BYTES: u64 = 64 << 20;

/// How many bytes a call may make, from its arguments.
type Size = fn(&Arguments) -> Result<u64>;

const FUNCTIONS: [(&str, Size); 15] = [
    ("concat", joined),
    ("encode", encoded),
    ("concat_ws", joined_with),
    ("regexp_replace", matched_and_replaced),
    ("array_to_string", listed),
    ("array_replace_n", values_replaced),
    ("array_replace_all", values_replaced),
    ("repeat", repeated),
    ("lpad", padded),
    ("rpad", padded),
    ("replace", replaced),
    ("array_repeat", repeated_values),
    ("array_resize", resized),
    ("range", ranged),
    ("generate_series", ranged),
];

/// Puts the held functions in the place of the engine's, and looks at plans for what no function does.
pub(crate) fn register(context: &SessionContext) {
    for (name, size) in FUNCTIONS {
        let found = context.state_ref().read().scalar_functions().get(name).cloned();
        if let Some(inner) = found {
            context.register_udf(ScalarUDF::from(Capped { name, inner, size }));
        }
    }
    context.add_analyzer_rule(Arc::new(literals::Joined::new()));
    context.add_optimizer_rule(Arc::new(literals::Long));
}

/// The name of the rule that holds `||`.
const JOINED: &str = "joined_texts";

/// The rules of a session whose plans are computed elsewhere, where `||` is an operator and no function of ours.
pub(crate) fn for_elsewhere(state: &SessionState) -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    state.analyzer().rules.iter().filter(|rule| rule.name() != JOINED).cloned().collect()
}

/// One of them; like the engine's own but for the size of its answer. Told apart by its name and the engine's function:
/// how its size is found belongs to the name, and equal functions may lie in two places.
#[derive(Debug)]
struct Capped {
    name: &'static str,
    inner: Arc<ScalarUDF>,
    size: Size,
}

impl PartialEq for Capped {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.inner == other.inner
    }
}

impl Eq for Capped {}

impl std::hash::Hash for Capped {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.name, &self.inner).hash(state);
    }
}

impl ScalarUDFImpl for Capped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.inner.return_type(given)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(given)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.held(args, &mut 0)
    }
}

impl Capped {
    /// The answer, in pieces where it may be too large for one: what a call may make is often much more than what it does
    /// make. `made` is what was made of the rows before, in bytes.
    fn held(&self, args: ScalarFunctionArgs, made: &mut u64) -> Result<ColumnarValue> {
        let arguments = Arguments::of(&args);
        let rows = arguments.rows;
        if arguments.expanded()?.saturating_add((self.size)(&arguments)?) <= MOST_BYTES {
            let answer = self.inner.invoke_with_args(args)?;
            if let ColumnarValue::Array(array) = &answer {
                *made = made.saturating_add(bytes_of(array)?);
            }
            return if *made > MOST_BYTES { Err(self.too_large()) } else { Ok(answer) };
        }
        if rows < 2 {
            return Err(self.too_large());
        }
        let part = |from: usize, number_rows: usize| {
            let cut = |value: &ColumnarValue| match value {
                ColumnarValue::Array(array) if array.len() == rows => {
                    ColumnarValue::Array(array.slice(from, number_rows))
                }
                other => other.clone(),
            };
            ScalarFunctionArgs { args: args.args.iter().map(cut).collect(), number_rows, ..args.clone() }
        };
        let half = rows / 2;
        let first = self.held(part(0, half), made)?.into_array(half)?;
        let second = self.held(part(half, rows - half), made)?.into_array(rows - half)?;
        Ok(ColumnarValue::Array(concat(&[&first, &second])?))
    }

    fn too_large(&self) -> DataFusionError {
        DataFusionError::ResourcesExhausted(format!(
            "`{}` would make more than {MOST_BYTES} bytes of one batch of rows, which is the limit; ask it for less",
            self.name
        ))
    }
}

/// The arguments of a call, each with one row or with all.
struct Arguments {
    values: Vec<ColumnarValue>,
    rows: usize,
}

impl Arguments {
    fn of(args: &ScalarFunctionArgs) -> Self {
        let all_scalar = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        Self { values: args.args.clone(), rows: if all_scalar { 1 } else { args.number_rows } }
    }

    /// What scalars take that the engine writes out once a row.
    fn expanded(&self) -> Result<u64> {
        let mut bytes = 0_u64;
        for value in &self.values {
            if let ColumnarValue::Scalar(scalar) = value
                && self.rows > 1
            {
                let one = scalar.to_array_of_size(1)?;
                bytes = bytes.saturating_add(bytes_at(&one, 0)?.saturating_mul(self.rows as u64));
            }
        }
        Ok(bytes)
    }

    fn array(&self, at: usize) -> Result<Option<ArrayRef>> {
        Ok(match self.values.get(at) {
            None => None,
            Some(ColumnarValue::Array(array)) => Some(array.clone()),
            Some(ColumnarValue::Scalar(scalar)) => Some(scalar.to_array_of_size(1)?),
        })
    }

    /// Bytes of the texts of an argument.
    fn lengths(&self, at: usize) -> Result<Option<Int64Array>> {
        match self.array(at)? {
            Some(array) if array.data_type() == &DataType::Null => Ok(Some(Int64Array::new_null(array.len()))),
            Some(array) => Ok(Some(numbers(&length(&array)?)?)),
            None => Ok(None),
        }
    }

    /// Bytes of the values of an argument that has one for each row; what others take is in [`Self::expanded`].
    fn bytes(&self, value: &ColumnarValue) -> Result<u64> {
        match value {
            ColumnarValue::Array(array) => bytes_of(array),
            ColumnarValue::Scalar(scalar) if self.rows == 1 => bytes_of(&scalar.to_array_of_size(1)?),
            ColumnarValue::Scalar(_) => Ok(0),
        }
    }

    fn numbers(&self, at: usize) -> Result<Option<Int64Array>> {
        self.array(at)?.map(|array| numbers(&array)).transpose()
    }

    /// The sum over all rows.
    fn sum(&self, one: impl Fn(usize) -> Result<u64>) -> Result<u64> {
        (0..self.rows).try_fold(0_u64, |sum, row| Ok(sum.saturating_add(one(row)?)))
    }
}

fn numbers(array: &ArrayRef) -> Result<Int64Array> {
    Ok(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// A row's number; `otherwise` where the argument was not given, 0 for null.
fn at(values: Option<&Int64Array>, row: usize, otherwise: i64) -> i64 {
    let Some(values) = values else { return otherwise };
    let i = if values.len() == 1 { 0 } else { row };
    if i >= values.len() || values.is_null(i) { 0 } else { values.value(i) }
}

fn count(values: Option<&Int64Array>, row: usize, otherwise: i64) -> u64 {
    at(values, row, otherwise).max(0).unsigned_abs()
}

/// What one row of an array takes when it is written once more.
fn bytes_at(array: &ArrayRef, row: usize) -> Result<u64> {
    // Of lists and the like `take` copies what the row has, where a slice keeps all.
    let one = match array.len() {
        1 => array.clone(),
        _ if array.data_type().is_nested() => take(array, &UInt64Array::from(vec![row as u64]), None)?,
        _ => array.slice(row, 1),
    };
    Ok(one.to_data().get_slice_memory_size().unwrap_or_else(|_| one.get_array_memory_size()) as u64)
}

/// What all rows of an array take.
fn bytes_of(array: &ArrayRef) -> Result<u64> {
    if matches!(array.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let lengths = numbers(&length(array)?)?;
        return Ok(lengths.iter().flatten().fold(0, |sum, n| sum.saturating_add(n.max(0).unsigned_abs())));
    }
    Ok(array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()) as u64)
}

fn joined(arguments: &Arguments) -> Result<u64> {
    arguments.values.iter().try_fold(0_u64, |sum, value| Ok(sum.saturating_add(arguments.bytes(value)?)))
}

/// A byte as two digits, the longest of the encodings.
fn encoded(arguments: &Arguments) -> Result<u64> {
    Ok(joined(arguments)?.saturating_mul(2))
}

/// The first argument stands between all others.
fn joined_with(arguments: &Arguments) -> Result<u64> {
    let (between, places) = (arguments.lengths(0)?, arguments.values.len() as u64);
    let between = arguments.sum(|row| Ok(count(between.as_ref(), row, 0).saturating_mul(places)))?;
    Ok(between.saturating_add(joined(arguments)?))
}

/// Every place may be replaced where the flags say so, and every part of what is put there may be all of the text again.
fn matched_and_replaced(arguments: &Arguments) -> Result<u64> {
    let [texts, with] = [arguments.lengths(0)?, arguments.lengths(2)?];
    let all = arguments.values.len() > 3;
    arguments.sum(|row| {
        let (text, with) = (count(texts.as_ref(), row, 0), count(with.as_ref(), row, 0));
        let places = if all { text + 1 } else { 1 };
        let again = text.saturating_mul(with / 2 + 1);
        Ok(places.saturating_mul(with).saturating_add(again))
    })
}

/// Values of a list as texts, with another between them and in the place of nulls.
fn listed(arguments: &Arguments) -> Result<u64> {
    /// A number as a text is longer than it is as a number, at the most so many times.
    const TEXT: u64 = 8;
    let lists = Lists::of(arguments)?;
    let (between, nulls) = (arguments.lengths(1)?, arguments.lengths(2)?);
    arguments.sum(|row| {
        let each = count(between.as_ref(), row, 0).saturating_add(count(nulls.as_ref(), row, 0));
        let bytes = lists.bytes(row)?;
        Ok(bytes.saturating_mul(TEXT).saturating_add(lists.count(row, bytes).saturating_mul(each)))
    })
}

fn values_replaced(arguments: &Arguments) -> Result<u64> {
    let (lists, with) = (Lists::of(arguments)?, arguments.array(2)?);
    arguments.sum(|row| {
        let bytes = lists.bytes(row)?;
        let each = with.as_ref().map_or(Ok(0), |with| bytes_at(with, if with.len() == 1 { 0 } else { row }))?;
        Ok(bytes.saturating_add(lists.count(row, bytes).saturating_mul(each)))
    })
}

/// The lists of a first argument.
struct Lists {
    values: Option<ArrayRef>,
    /// How many values each has; `None` for lists in lists.
    lengths: Option<Int64Array>,
}

impl Lists {
    fn of(arguments: &Arguments) -> Result<Self> {
        let values = arguments.array(0)?.filter(|lists| !lists.is_empty());
        let is_flat = values.as_ref().is_some_and(|lists| match lists.data_type() {
            DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _) => {
                !of.data_type().is_nested()
            }
            _ => false,
        });
        let lengths = if is_flat { arguments.lengths(0)? } else { None };
        Ok(Self { values, lengths })
    }

    fn bytes(&self, row: usize) -> Result<u64> {
        self.values.as_ref().map_or(Ok(0), |lists| bytes_at(lists, if lists.len() == 1 { 0 } else { row }))
    }

    /// Of lists in lists, as many as there may be: no value takes less than a bit.
    fn count(&self, row: usize, bytes: u64) -> u64 {
        match &self.lengths {
            Some(lengths) => count(Some(lengths), row, 0),
            None => bytes.saturating_mul(8),
        }
    }
}

fn repeated(arguments: &Arguments) -> Result<u64> {
    let (texts, times) = (arguments.lengths(0)?, arguments.numbers(1)?);
    arguments.sum(|row| Ok(count(texts.as_ref(), row, 0).saturating_mul(count(times.as_ref(), row, 0))))
}

/// The length asked for is in characters, of up to four bytes.
fn padded(arguments: &Arguments) -> Result<u64> {
    let lengths = arguments.numbers(1)?;
    arguments.sum(|row| Ok(count(lengths.as_ref(), row, 0).saturating_mul(4)))
}

fn replaced(arguments: &Arguments) -> Result<u64> {
    let [texts, from, to] = [arguments.lengths(0)?, arguments.lengths(1)?, arguments.lengths(2)?];
    arguments.sum(|row| {
        let text = count(texts.as_ref(), row, 0);
        let places = text / count(from.as_ref(), row, 0).max(1) + 1;
        Ok(places.saturating_mul(count(to.as_ref(), row, 0)).saturating_add(text))
    })
}

fn repeated_values(arguments: &Arguments) -> Result<u64> {
    let (values, times) = (arguments.array(0)?, arguments.numbers(1)?);
    arguments.sum(|row| match (&values, count(times.as_ref(), row, 0)) {
        (_, 0) | (None, _) => Ok(0),
        (Some(values), times) => Ok(bytes_at(values, row)?.max(1).saturating_mul(times)),
    })
}

fn resized(arguments: &Arguments) -> Result<u64> {
    let (sizes, fill) = (arguments.numbers(1)?, arguments.array(2)?);
    arguments.sum(|row| {
        let size = count(sizes.as_ref(), row, 0);
        let each = match &fill {
            Some(fill) if size > 0 => bytes_at(fill, row)?,
            _ => 0,
        };
        Ok(size.saturating_mul(each.max(8)))
    })
}

/// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`, of numbers, dates or times.
fn ranged(arguments: &Arguments) -> Result<u64> {
    const EACH: u64 = 8;
    let elements = |span: i128, step: i128| match step {
        0 => 0,
        step => u64::try_from(span.unsigned_abs() / step.unsigned_abs()).unwrap_or(u64::MAX).saturating_add(1),
    };
    let is_time =
        |array: &ArrayRef| matches!(array.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
    let (first, second) = (arguments.array(0)?, arguments.array(1)?);
    if first.as_ref().is_some_and(is_time) || second.as_ref().is_some_and(is_time) {
        let (starts, stops) = (first.map(|a| micros(&a)).transpose()?, second.map(|a| micros(&a)).transpose()?);
        let steps = arguments.array(2)?.map(|a| intervals(&a)).transpose()?;
        return arguments.sum(|row| {
            let ends = [at(starts.as_ref(), row, 0), at(stops.as_ref(), row, 0)].map(i128::from);
            let step = steps.as_ref().map_or(Some(DAY), |steps| least_step(steps, row));
            // One that goes forward and back by parts may never come to its end.
            Ok(step.map_or(u64::MAX, |step| elements((ends[1] - ends[0]) * 1000, step)).saturating_mul(EACH))
        });
    }
    let (first, second, third) = (arguments.numbers(0)?, arguments.numbers(1)?, arguments.numbers(2)?);
    arguments.sum(|row| {
        let (start, stop) = match &second {
            None => (0, at(first.as_ref(), row, 0)),
            Some(_) => (at(first.as_ref(), row, 0), at(second.as_ref(), row, 0)),
        };
        let step = at(third.as_ref(), row, 1);
        // Away from the end there is nothing.
        let towards = (stop >= start) == (step >= 0);
        let span = if towards { i128::from(stop) - i128::from(start) } else { 0 };
        Ok(elements(span, i128::from(step)).saturating_mul(EACH))
    })
}

/// A day in nanoseconds.
const DAY: i128 = 86_400_000_000_000;

/// Microseconds since 1970.
fn micros(array: &ArrayRef) -> Result<Int64Array> {
    numbers(&cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?)
}

fn intervals(array: &ArrayRef) -> Result<IntervalMonthDayNanoArray> {
    let cast = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    Ok(cast.as_primitive::<IntervalMonthDayNanoType>().clone())
}

/// The shortest a step can be, in nanoseconds; `None` for one whose parts go both ways.
fn least_step(steps: &IntervalMonthDayNanoArray, row: usize) -> Option<i128> {
    let i = if steps.len() == 1 { 0 } else { row };
    if i >= steps.len() || steps.is_null(i) {
        return Some(0);
    }
    let IntervalMonthDayNano { months, days, nanoseconds } = steps.value(i);
    let parts = [i128::from(months) * 28 * DAY, i128::from(days) * DAY, i128::from(nanoseconds)];
    let one_way = parts.iter().all(|part| *part >= 0) || parts.iter().all(|part| *part <= 0);
    one_way.then(|| parts.iter().sum())
}
