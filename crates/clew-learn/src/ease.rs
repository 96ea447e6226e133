//! Item-item ridge regression in closed form (EASE; Steck 2019).
