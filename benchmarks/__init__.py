"""How far each path is from the raw parts it is made of: ratios to references measured in the same run."""
